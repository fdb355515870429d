"""How what a cell says is shown by colour, beside the word itself."""

from __future__ import annotations

from collections.abc import Mapping

STYLES: Mapping[str, str] = {
    "pass": "green", "fail": "red", "inconclusive": "yellow", "doubt": "yellow",
    "withheld": "dim", "absent": "dim",
}  # fmt: skip
