"""The colours and shapes of charts, on a light and on a dark ground; of a backend the same always.

Colours of one ground stay apart for eyes that lack a kind of cone, too, and stand out from the
ground; `tests/report/charts/test_colours.py` computes both. A shape doubles each colour.
"""

from __future__ import annotations

from collections.abc import Iterable

#: As drawn, and what it is on a dark ground; each with the shape that goes with it.
SLOTS = (
    ("#0050bf", "#62a3d9", "circle"),
    ("#e66a17", "#e68545", "square"),
    ("#00a690", "#8ae6d9", "triangle-up"),
    ("#a6296c", "#a64b6f", "diamond"),
    ("#c266ff", "#7a45e6", "cross"),
    ("#594000", "#ffd026", "triangle-down"),
)
#: What has no colour of its own: more backends than can be told apart. Labels name them.
REST = ("#59636e", "#9da7b3", "triangle-right")
INK = "#24292f"
SOFT = "#59636d"
GRID = "#dfe3e8"
AXIS = "#8c959f"
GROUND = "#ffffff"
LIMIT = "#b3261e"
DARK = {
    INK: "#e6edf3", SOFT: "#9da7b4", GRID: "#2a3139", AXIS: "#6e7681", GROUND: "#0d1117",
    LIMIT: "#ff8a80", REST[0]: REST[1],
    **{light: dark for light, dark, _ in SLOTS},
}  # fmt: skip

#: Backends that come with benchhub have their slots in every chart of every report.
_OWN = {"onnxruntime": 0, "openvino": 1, "tflite": 2, "torch": 3, "tensorrt": 4}


def slots(backends: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return colour and shape by backend; no two alike, but those that no slot is left for."""
    names = list(dict.fromkeys(backends))
    taken = {name: _OWN[name] for name in names if name in _OWN}
    free = [slot for slot in range(len(SLOTS)) if slot not in taken.values()]
    taken |= dict(zip([name for name in names if name not in taken], free, strict=False))
    found = {}
    for name in names:
        colour, _, shape = SLOTS[taken[name]] if name in taken else REST
        found[name] = (colour, shape)
    return found


def without_slot(backends: Iterable[str]) -> set[str]:
    """Return the backends that neither colour nor shape tells from others: labels name them."""
    return {name for name, (colour, _) in slots(backends).items() if colour == REST[0]}


def sheet() -> str:
    """Return the style that makes a drawn chart follow its reader's ground; print is light."""
    rules = "".join(
        f'.marks [{of}="{light}"]{{{of}:{dark}}}'
        for light, dark in DARK.items()
        for of in ("fill", "stroke")
        if not (of == "stroke" and light == GROUND)
    )
    halo = ".marks text{paint-order:stroke;stroke:%s;stroke-width:3px;stroke-linejoin:round}"
    dark = f"{rules}{halo % DARK[GROUND]}"
    return f"{halo % GROUND}@media screen and (prefers-color-scheme:dark){{{dark}}}"
