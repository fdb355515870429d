"""Results as one pandas table: a row per cell, the columns of csv and parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchhub.model.columns import ATTRIBUTES, COLUMNS
from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Results, Row

if TYPE_CHECKING:
    import pandas as pd

#: Nullable types, so that an integer column with gaps stays an integer column.
_DTYPES = {bool: "boolean", int: "Int64", float: "Float64", str: "string"}


def to_frame(results: Sequence[Results]) -> pd.DataFrame:
    """One row per cell with exactly `COLUMNS`, in order; missing (pd.NA) means not measured.

    Dtypes are pandas' nullable string, Int64, Float64 and boolean; flags are joined by `;`. NaN
    and infinities of the rows become missing. Units are those in the column names.
    """
    import pandas as pd

    rows = [row for result in results for row in result.rows]
    dtypes = column_dtypes()
    return pd.DataFrame(
        {
            column: pd.array([_value(row, column) for row in rows], dtype=dtypes[column])  # type: ignore[call-overload]
            for column in COLUMNS
        }
    )


def column_dtypes() -> dict[str, str]:
    """The pandas dtype of every column."""
    return {column: _DTYPES[_type(column)] for column in COLUMNS}


def _type(column: str) -> type:
    if column in ATTRIBUTES:
        return ATTRIBUTES[column].type
    return int if column in QUANTITIES and QUANTITIES[column].whole else float


def _value(row: Row, column: str) -> Any:
    value = row.column(column)
    if column == "flags":
        return ";".join(flag.name for flag in row.flags) or None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
