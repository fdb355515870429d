"""The table of rows as a parquet file, for pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.errors import ConfigError
from benchhub.model.row import Results


def to_parquet(results: Sequence[Results]) -> bytes:
    """Return a file with one row per cell and the columns of csv, missing values as nulls.

    ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401 - pandas asks for it by name
    except ImportError as error:
        raise ConfigError(
            "parquet needs pyarrow, which is not installed; pip install 'benchhub[parquet]'"
        ) from error
    from benchhub.report.run.frame import to_frame

    # In memory: of a full disk pyarrow says otherwise than others do.
    return bytes(to_frame(results).to_parquet(None, engine="pyarrow", index=False))
