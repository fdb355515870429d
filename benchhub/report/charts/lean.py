"""A drawn chart without what no reader sees: a third of the bytes, and half of the elements."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Tree  # of what was drawn here, nobody else's

_SPACE = ' xmlns="http://www.w3.org/2000/svg"'
#: The chart as a whole has a title and a text; its parts are shapes.
_UNSEEN = ("role", "class", "pointer-events", "aria-hidden", "aria-roledescription", "aria-label")
_USUAL = {
    "opacity": "1", "fill-opacity": "1", "font-weight": "normal", "font-family": "sans-serif",
    "transform": "translate(0,0)", "stroke-opacity": "1",
}  # fmt: skip
#: What elements have from the group that they stand in.
_INHERITED = (
    "fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight",
    "text-anchor", "fill-opacity",
)  # fmt: skip
_DIGITS = re.compile(r"-?\d+\.\d+")
_GEOMETRY = ("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height")


def lean(svg: str, sheet: str) -> str:
    """Return the chart with its style sheet, numbers cut to a tenth of a pixel."""
    root = Tree.fromstring(svg.replace(_SPACE, "", 1))
    _thin(root)
    style = Tree.Element("style")
    style.text = sheet
    root.insert(0, style)
    root.set("class", "marks")
    root.set("font-family", "sans-serif")
    text = Tree.tostring(root, encoding="unicode").replace(" />", "/>")
    return text.replace("<svg", f"<svg{_SPACE}", 1)


def _thin(parent: Tree.Element) -> None:
    kept: list[Tree.Element] = []
    for child in parent:
        _thin(child)
        _strip(child)
        if child.tag == "g" and not child.attrib:
            kept += list(child)
        elif not _nothing(child):
            kept.append(child)
    parent[:] = kept
    _hoist(parent)


def _strip(element: Tree.Element) -> None:
    for name in _UNSEEN:
        element.attrib.pop(name, None)
    for name, value in _USUAL.items():
        if element.get(name) == value:
            del element.attrib[name]
    for name in _GEOMETRY:
        if name in element.attrib:
            element.set(name, _DIGITS.sub(_tenth, element.attrib[name]))


def _nothing(element: Tree.Element) -> bool:
    if element.tag == "g":
        return not len(element)
    if element.tag != "path":
        return False
    drawn = element.get("stroke") or element.get("fill")
    return (
        not drawn
        or element.get("opacity") == "0"
        or not element.get("d")
        or element.get("display") == "none"
    )


def _hoist(group: Tree.Element) -> None:
    """Give a group what all of its elements have alike."""
    if group.tag != "g" or len(group) < 2:
        return
    for name in _INHERITED:
        values = {child.get(name) for child in group}
        if len(values) == 1 and None not in values and name not in group.attrib:
            group.set(name, values.pop() or "")
            for child in group:
                del child.attrib[name]


def _tenth(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")
