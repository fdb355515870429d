"""Runs in the formats of other programs, and results of other programs as runs.

`benchmark_json` writes what pytest-benchmark's own command and dashboards read, `imported` turns
such a file into a run, `parquet` writes the table of rows.
"""
