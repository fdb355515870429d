"""A strip of dots, one a launch in order: whether a cell drifts, or one launch stands apart."""

from __future__ import annotations

from statistics import median

from benchhub.model.row import CellDetails
from benchhub.report.cell.launches import head_of
from benchhub.text import number

#: Of fewer launches the list itself says as much.
_LEAST = 3
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 360, 80, 46, 24, 72
#: At most so far lie two dots apart.
_STEP = 24.0
#: So much around the median is always in view: noise is not drawn as if it were much.
_AROUND = 0.1
#: Closer together they are drawn small.
_SMALL = 9.0


def in_order(told: CellDetails) -> str:
    """Return the strip as SVG; empty where there is too little to see."""
    if not told.measures:
        return ""
    found = [one.values[0] if one.values else None for one in told.launches]
    known = [value for value in found if value is not None]
    if len(known) < _LEAST:
        return ""
    middle = median(known)
    low = min(min(known), middle * (1 - _AROUND))
    high = max(max(known), middle * (1 + _AROUND))
    if not high > low:
        return ""
    step = min(_STEP, (_WIDTH - _LEFT - 12) / max(1, len(found) - 1))
    dots: list[str] = []
    open_dots: list[str] = []
    lost: list[str] = []
    for place, (launch, value) in enumerate(zip(told.launches, found, strict=True)):
        x = round(_LEFT + 8 + place * step)
        if value is None:
            lost.append(f"M{x - 3} {_BOTTOM - 6}l6 6m0-6l-6 6")
            continue
        y = round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP))
        doubted = any(flag.caps for flag in launch.flags)
        (open_dots if doubted else dots).append(f"M{x} {y}h0")
    signs = "; rings: in doubt" if open_dots else ""
    signs += "; crosses: not finished" if lost else ""
    head = f"{head_of(told.measures[0])} of each launch{signs}"
    words = f"{head}; from {number(min(known))} to {number(max(known))}"
    return (
        f'<svg class="strip{" many" if step < _SMALL else ""}" role="img"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}"'
        f' height="{_HEIGHT}"><title>{words}</title>'
        f'<text x="{_LEFT}" y="11">{head}</text><path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}"/>'
        f'<text x="{_LEFT - 4}" y="{_TOP + 4}" text-anchor="end">{number(high)}</text>'
        f'<text x="{_LEFT - 4}" y="{_BOTTOM + 3}" text-anchor="end">{number(low)}</text>'
        + _path("dots", dots)
        + (_path("dots", open_dots) + _path("holes", open_dots))
        + _path("lost", lost)
        + "</svg>"
    )


def _path(name: str, parts: list[str]) -> str:
    return f'<path class="{name}" d="{"".join(parts)}"/>' if parts else ""
