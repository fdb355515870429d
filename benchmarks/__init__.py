"""Performance claims against peers, each a ratio of one interleaved run: docs/benchmarks.md."""
