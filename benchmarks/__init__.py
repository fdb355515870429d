"""Claims of performance against peers, each a ratio of one run: docs/explanation/benchmarks.md."""
