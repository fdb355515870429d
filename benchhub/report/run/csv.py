"""RFC 4180 text, one line a cell: for spreadsheets, R and pandas."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.row import Results
from benchhub.report.run.frame import to_frame

SUFFIX = ".csv"

#: What a spreadsheet takes for a formula at the start of a text cell (OWASP "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """Exactly `COLUMNS`; empty means not measured; CRLF line ends and a dot as decimal sign.

    Floats are written with the digits that read back to the same number. A text cell that a
    spreadsheet would run as a formula is prefixed with an apostrophe; numbers never are. pandas
    takes the backend name `null` for a gap unless told `keep_default_na=False, na_values=[""]`.
    """
    frame = to_frame(results)
    for column in frame.columns:
        if frame[column].dtype == "string":
            frame[column] = frame[column].map(_defused, na_action="ignore").astype("string")
    return str(frame.to_csv(index=False, lineterminator="\r\n"))


def _defused(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
