"""How wide a text is drawn, before anything draws it: never less than in a wide sans-serif."""

from __future__ import annotations

#: Thousandths of the font's size, by character: advances of a wide sans-serif, rounded upwards.
_WIDTHS = {
    300: "'IJijl", 350: " ,./:;\\|", 400: "()-[]ft", 450: "!r", 500: '"*_`', 550: "?csz",
    600: "FLkvxy", 650: "$0123456789EPSTYabdeghnopqu{}", 700: "ABCKRVXZ", 750: "NU",
    800: "&DGHOQ", 850: "#+<=>^w~", 900: "M", 1000: "%@Wm",
}  # fmt: skip
_WIDTH = {character: width for width, characters in _WIDTHS.items() for character in characters}
#: Any other character: as wide as those of Chinese and Japanese are.
_OTHER = 1050
_BOLD = 1.16
#: From the lowest to the highest ink of a line, in sizes.
_HEIGHT = 1.2


def width(text: str, size: float, bold: bool = False) -> float:
    """Return the pixels that a line takes at most."""
    found = sum(_WIDTH.get(character, _OTHER) for character in text) * size / 1000
    return found * _BOLD if bold else found


def height(size: float) -> float:
    """Return the pixels from the top to the bottom of a line."""
    return _HEIGHT * size


def shortened(text: str, most: float, size: float) -> str:
    """Return the text, or its two ends where it takes more than `most` pixels."""
    if width(text, size) <= most:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept // 2
        short = f"{text[: kept - tail]}\u2026{text[len(text) - tail :]}"
        if width(short, size) <= most:
            return short
    return text[:1] + "\u2026"


def told_apart(texts: list[str], most: float, size: float) -> list[str]:
    """Return the texts, long ones shortened; those that would then be alike stay whole."""
    short = {text: shortened(text, most, size) for text in texts}
    seen = list(short.values())
    return [short[text] if seen.count(short[text]) == 1 else text for text in texts]
