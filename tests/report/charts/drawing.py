"""What a drawn chart holds, read back from its SVG: texts with their boxes, and symbols."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from benchhub.report.charts import lettering

_NUMBER = re.compile(r"-?[\d.]+")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Text:
    """A text where it stands; `turned`: it runs upwards."""

    text: str
    box: Box
    turned: bool


@dataclass(frozen=True)
class Drawing:
    """The texts and the symbols of a chart, in pixels from its upper left."""

    texts: list[Text]
    symbols: list[Box]
    width: float
    height: float
    nodes: int

    def crossing(self) -> list[tuple[str, str]]:
        """Return the pairs of texts, or of a text and a symbol, that lie over one another."""
        level = [text for text in self.texts if not text.turned]
        found = [
            (one.text, other.text)
            for one, other in itertools.combinations(level, 2)
            if _meet(one.box, other.box)
        ]
        return found + [
            (one.text, "symbol") for one in level for box in self.symbols if _meet(one.box, box)
        ]

    def beyond(self) -> list[str]:
        """Return the texts that leave the picture."""
        return [
            one.text
            for one in self.texts
            if not one.turned
            and not (one.box[0] >= 0 and one.box[2] <= self.width and one.box[1] >= 0)
        ]


def read(svg: str) -> Drawing:
    """Read it back; widths of texts are those of a wide sans-serif."""
    root = ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", svg))
    texts, symbols = [], []
    for element, (x, y), inherited in _walk(root, (0.0, 0.0), {}):
        if element.tag == "text":
            texts.append(_text(element, x, y, inherited))
        elif element.tag == "path" and "transform" in element.attrib and _closed(element):
            symbols.append((x - 4, y - 4, x + 4, y + 4))
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    return Drawing(texts, symbols, width, height, sum(1 for _ in root.iter()))


def _walk(
    element: ElementTree.Element, at: tuple[float, float], inherited: dict[str, str]
) -> Iterator[tuple[ElementTree.Element, tuple[float, float], dict[str, str]]]:
    for x, y in re.findall(r"translate\((-?[\d.]+),(-?[\d.]+)\)", element.get("transform", "")):
        at = (at[0] + float(x), at[1] + float(y))
        break  # what follows a turn is turned
    known = inherited | dict(element.attrib)
    yield element, at, known
    for child in element:
        yield from _walk(child, at, known)


def _closed(element: ElementTree.Element) -> bool:
    path = element.get("d", "")
    return "Z" in path or re.match(r"M[\d.]+,0A", path) is not None


def _text(element: ElementTree.Element, x: float, y: float, known: dict[str, str]) -> Text:
    size = float(_NUMBER.findall(known.get("font-size", "11"))[0])
    text = "".join(element.itertext())
    wide = lettering.width(text, size, known.get("font-weight") == "bold")
    left = {"end": x - wide, "middle": x - wide / 2}.get(known.get("text-anchor", ""), x)
    box = (left, y - 0.85 * size, left + wide, y + 0.2 * size)
    return Text(text, box, "rotate" in element.get("transform", ""))


def _meet(one: Box, other: Box) -> bool:
    across = one[0] < other[2] - 0.5 and other[0] < one[2] - 0.5
    return across and one[1] < other[3] - 0.5 and other[1] < one[3] - 0.5
