"""MoNuSeg's outlines: XML of Region > Vertex, coordinates in pixels of the image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.tasks.stained.instances import Labels, from_outlines


def read_outlines(path: Path) -> tuple[Array, ...]:
    """Return the regions in the file's order, each (vertices, 2) of x and y; some have too few.

    Raises ConfigError naming the file, and the region by its place from 1, for what is no XML or a
    vertex without two finite coordinates.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as XML ({error}); copy it again") from error
    return tuple(
        np.array([_corner(path, place, vertex) for vertex in region.iter("Vertex")]).reshape(-1, 2)
        for place, region in enumerate(root.iter("Region"), start=1)
    )


def read_instances(path: Path, shape: tuple[int, int], factor: int = 1) -> Labels:
    """Return the map of nuclei of an annotation, `shape` being that of the image shrunk `factor`.

    Nuclei are numbered from 1 in the file's order, later ones lie over earlier ones, and those of
    fewer than three vertices cover nothing. Raises ConfigError where no region covers a pixel, so
    that outlines of another image are not taken for an empty one; a file without regions is empty.
    """
    outlines = read_outlines(path)
    labels = from_outlines([(one + 0.5) / factor - 0.5 for one in outlines], shape)
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


def _corner(path: Path, place: int, vertex: ElementTree.Element) -> tuple[float, float]:
    try:
        x, y = float(vertex.attrib["X"]), float(vertex.attrib["Y"])
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"{path}: region {place} has a vertex without X and Y ({error}); copy it again"
        ) from error
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ConfigError(f"{path}: region {place} has a vertex at {x}, {y}; copy it again")
    return x, y
