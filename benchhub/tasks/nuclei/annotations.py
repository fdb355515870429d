"""MoNuSeg's outlines: XML of Region > Vertex, coordinates in pixels of the image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.parsers import expat

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.outside.foreign.bounds import TEXT, whole
from benchhub.outside.foreign.reading import reading, reason
from benchhub.tasks.stained.instances import Labels, from_outlines

#: No pixel of a picture lies further out.
_FURTHEST = 1e7
#: So many edges are held against so many pixels at most: half a minute, where nuclei take less than
#: a second.
_MOST_WORK = 1e10


def read_outlines(path: Path) -> tuple[Array, ...]:
    """Return the regions in the file's order, each (vertices, 2) of x and y; some have too few.

    Raises ConfigError naming the file, and the region by its place from 1, for what is no XML or a
    vertex without two finite coordinates.
    """
    regions = _Regions(path)
    with reading(path, "not readable as XML", "copy it again"):
        regions.read(whole(path, TEXT))
    return tuple(np.array(corners).reshape(-1, 2) for corners in regions.found)


def read_instances(path: Path, shape: tuple[int, int], factor: int = 1) -> Labels:
    """Return the map of nuclei of an annotation, `shape` being that of the image shrunk `factor`.

    Nuclei are numbered from 1 in the file's order, later ones lie over earlier ones, and those of
    fewer than three vertices cover nothing. Raises ConfigError where no region covers a pixel, so
    that outlines of another image are not taken for an empty one; a file without regions is empty.
    """
    outlines = [(one + 0.5) / factor - 0.5 for one in read_outlines(path)]
    if sum(_work(one, shape) for one in outlines) > _MOST_WORK:
        raise ConfigError(
            f"{path}: its {len(outlines)} regions have too many vertices for the areas that they"
            " cover: are these nuclei? copy it again"
        )
    labels = from_outlines(outlines, shape)
    if outlines and not labels.any():
        raise ConfigError(
            f"{path}: none of its {len(outlines)} regions covers a pixel of the image,"
            f" {shape[1]} x {shape[0]}; it belongs to another image"
        )
    return labels


def write_outlines(path: Path, outlines: Iterable[Array]) -> None:
    """Write outlines as MoNuSeg does, coordinates to a thousandth of a pixel."""
    lines = ['<Annotations MicronsPerPixel="0.252">', '<Annotation Id="1" Name="" Type="4">']
    lines.append("<Regions>")
    for number, outline in enumerate(outlines, start=1):
        lines.append(f'<Region Id="{number}" Type="0"><Vertices>')
        lines += [f'<Vertex X="{x:.3f}" Y="{y:.3f}" Z="0" />' for x, y in outline]
        lines.append("</Vertices></Region>")
    lines += ["</Regions>", "</Annotation>", "</Annotations>"]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _work(outline: Array, shape: tuple[int, int]) -> float:
    """Return how many edges are held against how many pixels to fill an outline."""
    if len(outline) < 3:
        return 0.0
    low = np.clip(outline.min(axis=0), 0, shape[::-1])
    high = np.clip(outline.max(axis=0) + 1, 0, shape[::-1])
    return float(len(outline) * np.prod(high - low))


class _Regions:
    """The corners of each region, as a file tells them one after the other."""

    def __init__(self, path: Path) -> None:
        self.found: list[list[tuple[float, float]]] = []
        self._path = path
        self._open: list[int] = []

    def read(self, content: bytes) -> None:
        """Read a whole file; ValueError, or what expat raises, for one that is no plain XML."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _without_declarations
        parser.StartElementHandler = self._begun
        parser.EndElementHandler = self._ended
        parser.Parse(content, True)

    def _begun(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Region":
            self._open.append(len(self.found))
            self.found.append([])
        elif name == "Vertex" and self._open:
            place = self._open[-1]
            self.found[place].append(_corner(self._path, place + 1, attributes))

    def _ended(self, name: str) -> None:
        if name == "Region":
            self._open.pop()


def _without_declarations(_name: str, system: str | None, _public: str | None, own: bool) -> None:
    """Refuse entities, defaults and files elsewhere: outlines need none of them."""
    if own or system:
        raise ValueError("it declares a document type, and declarations are not read")


def _corner(path: Path, place: int, vertex: Mapping[str, str]) -> tuple[float, float]:
    try:
        x, y = float(vertex["X"]), float(vertex["Y"])
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"{path}: region {place} has a vertex without X and Y ({reason(error)}); copy it again"
        ) from error
    if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < _FURTHEST):
        raise ConfigError(f"{path}: region {place} has a vertex at {x}, {y}; copy it again")
    return x, y
