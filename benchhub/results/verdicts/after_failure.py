"""What to do about a cell that failed: what would fail again is not to be tried as it is; pure."""

from __future__ import annotations

import re

from benchhub.model.row import Row

#: What a launch has where no suite says otherwise (`Suite.deadline_s`).
DEADLINE_S = 120.0
#: Kinds that lie in the model, its recipe or the backend: the same launch fails again.
_LASTING = frozenset({"raised", "unsupported", "shape", "nonfinite", "fallback", "record"})
#: Where what is raised is raised by every launch: calls that are timed have worked before.
_BEFORE_TIMING = frozenset({"import", "load", "first", "outputs"})
#: How runtimes refuse the parameters of weights that were quantized channel by channel.
_PER_CHANNEL = re.compile(r"(zero[ _-]?point|scale|per[ _-]channel|QuantParam)", re.IGNORECASE)
#: The same where no recipe says that there are such weights.
_ZERO_POINT = re.compile(r"(zero[ _-]?point|per[ _-]channel|QuantParam)", re.IGNORECASE)
_REFUSED = re.compile(
    r"(not valid|invalid|not support|unsupported|was false|must be|should be|mismatch)",
    re.IGNORECASE,
)


def lasting(row: Row) -> bool:
    """Return whether a failed cell would fail again, so that to measure it again does not help."""
    stage, kind, _ = _parts(row)
    return kind in _LASTING and (kind != "raised" or stage in _BEFORE_TIMING)


def after_failure(row: Row) -> str:
    """Return what to do about a cell that failed, by how it did."""
    _, kind, message = _parts(row)
    retry = f"`benchhub run --rerun-failed {row.run}`"
    if kind == "deadline":
        if not row.of_suite:
            return (
                "try a smaller batch or shape, or as many threads as there are cores: a launch has"
                f" {DEADLINE_S:g} s"
            )
        return f"raise deadline_s in [suite], or lower iterations, then {retry}"
    if kind == "record":
        return "start a new run, or restore a copy of the store"
    if kind == "missing":
        return f"install it there (`benchhub devices provision {row.device}`), then {retry}"
    quantized = (row.recipe or "").startswith("int8")
    if quantized and _PER_CHANNEL.search(message) and _REFUSED.search(message):
        return (
            f"set per_channel = false in the recipe of {row.variant}, or leave {row.backend} out"
            " for it; it would fail again as it is"
        )
    if _ZERO_POINT.search(message) and _REFUSED.search(message):
        return (
            f"quantize {row.variant} with one scale a tensor, or leave {row.backend} out for it;"
            " it would fail again as it is"
        )
    if kind == "raised" or not lasting(row):  # the cause may lie on the device, and be mended there
        return f"fix the cause, then {retry}"
    if not row.of_suite:
        return "change the model, or name another backend; it would fail again as it is"
    return f"change {row.variant}, or leave {row.backend} out for it; it would fail again as it is"


def _parts(row: Row) -> tuple[str, str, str]:
    """Return stage, kind and message of a failure as a row tells them: `load: raised: no such`."""
    stage, _, rest = (row.reason or "").partition(": ")
    kind, _, message = rest.partition(": ")
    return stage, kind, message
