"""A heart as shapes in a plane across its long axis, from base (0) to apex (1), full or emptied.

Lengths are millimetres about the middle of the left ventricle; x runs to the right of the image, y
downwards. The right ventricle lies to the left. The five groups are those of ACDC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array

Map = NDArray[np.float32]
Rng = np.random.Generator

GROUPS = ("NOR", "DCM", "HCM", "MINF", "RV")
#: Radius of the cavity at end-diastole, thickness of the wall, share of the volume pumped out, and
#: size of the right ventricle as a multiple of the left one.
_BUILD = {
    "NOR": (24.0, 8.5, 0.62, 1.05),
    "DCM": (30.0, 7.5, 0.25, 1.00),
    "HCM": (21.0, 14.0, 0.70, 1.05),
    "MINF": (28.0, 8.0, 0.35, 1.00),
    "RV": (22.0, 9.0, 0.60, 1.35),
}
#: Harmonics by which outlines stray from circles.
_BENDS = np.arange(2, 6)
#: Outlines are tables of their radius at so many angles.
_ANGLES = 1024
_CIRCLE = ((np.arange(_ANGLES) + 0.5) / _ANGLES * 2 - 1) * np.pi


@dataclass(frozen=True, slots=True)
class Heart:
    """One patient's heart; `bends` are (outline, harmonic, cosine and sine), in shares of radii."""

    group: str
    radius: float
    wall: float
    ejected: float
    right: float
    turn: float
    taper: float
    lean: float
    bends: Array

    @classmethod
    def draw(cls, rng: Rng, group: str) -> Heart:
        """Return a random heart of a group."""
        radius, wall, ejected, right = _BUILD[group]
        return cls(
            group=group,
            radius=radius * rng.uniform(0.87, 1.13),
            wall=wall * rng.uniform(0.84, 1.16),
            ejected=ejected * rng.uniform(0.85, 1.12),
            right=right * rng.uniform(0.84, 1.16),
            turn=rng.uniform(-0.6, 0.6),
            taper=rng.uniform(0.84, 0.95),
            lean=rng.normal(0, 3.0),
            bends=rng.normal(0, 0.025, (3, len(_BENDS), 2)) * (2 / _BENDS)[None, :, None],
        )


@dataclass(frozen=True, slots=True)
class Section:
    """Masks of one plane, all of the grid's shape; the papillary muscles lie within the cavity."""

    right: NDArray[np.bool_]
    muscle: NDArray[np.bool_]
    cavity: NDArray[np.bool_]
    papillary: NDArray[np.bool_]
    fat: NDArray[np.bool_]


def section(heart: Heart, x: Map, y: Map, level: float, emptied: bool, rng: Rng) -> Section:
    """Return the heart cut at `level`, 0 base to 1 apex, on a grid of millimetres."""
    full = heart.radius * float(np.sqrt(1 - (heart.taper * level) ** 2))
    inner = full * (1 - heart.ejected) ** 0.5 if emptied else full
    # muscle keeps its area when it contracts, less what moves through the plane
    ring = ((full + heart.wall) ** 2 - full**2) * (0.95 if emptied else 1.0)
    outer = float(np.sqrt(inner**2 + ring))
    along, aside = _turned(x - np.float32(heart.lean * level), y, heart.turn)
    distance = np.sqrt(along * along + aside * aside)
    angle = _angle(along, aside)
    bends = heart.bends + rng.normal(0, 0.010, heart.bends.shape)
    rim, lining, free = (_outline(bent) for bent in bends)
    epicardium = distance < (np.float32(outer) * rim)[angle]
    cavity = distance < (np.float32(inner) * lining)[angle]
    right = _ellipse(heart, along, aside, (full, outer), level, emptied, free[angle])
    # a millimetre of the septum's edge belongs to no cavity
    right &= distance > (np.float32(outer) * rim + np.float32(1))[angle]
    around = np.float32(0.35 * outer)
    fat = _within(along + around, aside, 1.55 * outer) & ~epicardium & ~right
    fat &= (np.cos(_CIRCLE * 2 + 1) > rng.uniform(0.1, 0.6))[angle]
    return Section(
        right=right,
        muscle=epicardium & ~cavity,
        cavity=cavity,
        papillary=_papillary(along, aside, inner, rng) & cavity,
        fat=fat,
    )


def _ellipse(
    heart: Heart,
    along: Map,
    aside: Map,
    radii: tuple[float, float],
    level: float,
    emptied: bool,
    outline: Map,
) -> NDArray[np.bool_]:
    """Return the right ventricle before the left one is taken from it; nothing near the apex."""
    full, outer = radii
    left = 1 - (level / 0.85) ** 2
    if left <= 0.05:
        return np.zeros(along.shape, dtype=bool)
    size = heart.right * full * left**0.5
    if emptied:
        size *= (1 - 0.75 * heart.ejected) ** 0.5
    long = (along + np.float32(outer + 0.15 * size)) / np.float32(0.85)
    wide = aside / np.float32(1.3)
    return np.asarray(np.sqrt(long * long + wide * wide) < np.float32(size) * outline)


def _papillary(along: Map, aside: Map, inner: float, rng: Rng) -> NDArray[np.bool_]:
    spots = np.zeros(along.shape, dtype=bool)
    for place in (0.9, 2.3):
        at, size = place + rng.normal(0, 0.15), inner * rng.uniform(0.16, 0.24)
        x, y = 0.62 * inner * np.cos(at), 0.62 * inner * np.sin(at)
        spots |= _within(along - np.float32(x), aside - np.float32(y), size)
    return spots


def _within(x: Map, y: Map, radius: float) -> NDArray[np.bool_]:
    return np.asarray(x * x + y * y < np.float32(radius * radius))


def _turned(x: Map, y: Map, turn: float) -> tuple[Map, Map]:
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return x * cos + y * sin, y * cos - x * sin


def _angle(x: Map, y: Map) -> NDArray[np.int16]:
    """Return which of the circle's `_ANGLES` angles a point lies at."""
    share = (np.arctan2(y, x) / np.float32(np.pi) + 1) * np.float32(_ANGLES / 2)
    return np.minimum(share.astype(np.int16), np.int16(_ANGLES - 1))


def _outline(bends: Array) -> Map:
    """Return the radius at each of the circle's angles, about 1."""
    waves = _BENDS[:, None] * _CIRCLE
    # added up one by one: a matrix product may sum in another order on another machine
    bent = 1 + (bends[:, :1] * np.cos(waves) + bends[:, 1:] * np.sin(waves)).sum(axis=0)
    return np.asarray(bent, dtype=np.float32)
