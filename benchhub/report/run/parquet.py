"""The table of rows as a parquet file, for pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.model.row import Results


def write_parquet(results: Sequence[Results], path: Path) -> None:
    """Write one row per cell with the columns of csv to `path`, missing values as nulls.

    ConfigError: pyarrow is not installed. OSError: the file cannot be written.
    """
    try:
        import pyarrow  # noqa: F401 - pandas asks for it by name
    except ImportError as error:
        raise ConfigError(
            "parquet needs pyarrow, which is not installed; pip install 'benchhub[parquet]'"
        ) from error
    from benchhub.report.run.frame import to_frame

    to_frame(results).to_parquet(path, engine="pyarrow", index=False)
