"""The words of benchhub as frozen types; no I/O. See docs/concepts.md for the prose.

Units live in names (`_ns`, `_bytes`, `_s`); None means not measured, never 0. Conversion to
milliseconds and mebibytes happens in `results.rows`, for the columns of a row, and nowhere else.
"""
