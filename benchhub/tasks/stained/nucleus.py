"""Nuclei of synthetic tissue: perturbed ellipses of several kinds, placed so that few overlap.

Lengths are pixels, x runs to the right; angles are radians.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchhub.model.arrays import Array

Rng = np.random.Generator

#: Corners of an outline: enough for a nucleus of 30 pixels to look round.
VERTICES = 28
#: Harmonics that bend an ellipse, and how fast their strength falls.
_BENDS = (2, 3, 4, 5)
#: Tries to place a nucleus before the tissue counts as full.
_TRIES = 12


@dataclass(frozen=True, slots=True)
class NucleusKind:
    """A kind of nucleus: its size in pixels, its shape, and how it takes the stain.

    `radius` is the mean of the half axes and `spread` its relative standard deviation;
    `elongation` the range of the ratio of the axes; `roughness` how far the outline strays, as a
    share of the radius. `density` is that of haematoxylin, `clumps` the relative strength of its
    texture, `grain` the texture's size in pixels, `rim` how much darker the edge is.
    """

    name: str
    radius: float
    spread: float
    elongation: tuple[float, float]
    roughness: float
    density: float
    clumps: float
    grain: float
    rim: float


KINDS: tuple[NucleusKind, ...] = (
    NucleusKind("neoplastic", 6.4, 0.22, (1.0, 1.7), 0.07, 0.070, 0.45, 1.6, 0.15),
    NucleusKind("inflammatory", 3.9, 0.12, (1.0, 1.25), 0.03, 0.105, 0.30, 0.9, 0.05),
    NucleusKind("connective", 4.4, 0.18, (2.2, 3.6), 0.05, 0.075, 0.20, 1.1, 0.10),
    NucleusKind("dead", 3.6, 0.30, (1.0, 1.5), 0.13, 0.135, 0.10, 0.8, 0.00),
    NucleusKind("epithelial", 5.4, 0.12, (1.1, 1.5), 0.035, 0.055, 0.30, 1.2, 0.45),
)


@dataclass(frozen=True, slots=True)
class Nucleus:
    """One nucleus: which of the kinds, its centre, half axes, direction, bends and darkness."""

    kind: int
    x: float
    y: float
    long: float
    short: float
    angle: float
    bends: tuple[tuple[float, float], ...]
    density: float

    @property
    def reach(self) -> float:
        """Return the radius of a circle that is sure to hold it."""
        return self.long * (1 + sum(abs(size) for size, _ in self.bends))

    def stretch(self, theta: Array) -> Array:
        """Return the outline's distance from the centre over the ellipse's, by direction."""
        out = np.ones_like(theta)
        for harmonic, (size, phase) in zip(_BENDS, self.bends, strict=True):
            out = out + size * np.cos(harmonic * theta + phase)
        return out

    def outline(self) -> Array:
        """Return its polygon, (VERTICES, 2) of x and y; corners may lie outside the picture."""
        theta = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
        reach = self.stretch(theta)
        along, across = self.long * reach * np.cos(theta), self.short * reach * np.sin(theta)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = self.x + cos * along - sin * across, self.y + sin * along + cos * across
        return np.stack([x, y], axis=1)


def grow(
    rng: Rng,
    size: int,
    mix: tuple[float, ...],
    cover: float,
    touching: float,
    scale: float,
    kinds: tuple[NucleusKind, ...],
) -> tuple[Nucleus, ...]:
    """Return nuclei in a square of `size` that cover their share of it, or as many as fit.

    `mix`, `cover` and `touching` are those of `histology.Tissue`; some lie across the border.
    """
    share = np.asarray(mix) / np.sum(mix)
    grown: list[Nucleus] = []
    margin = 4 * scale
    wanted, covered, failed = cover * (size + 2 * margin) ** 2, 0.0, 0
    while covered < wanted and failed < _TRIES:
        made = _nucleus(rng, int(rng.choice(len(kinds), p=share)), kinds, scale)
        for _ in range(_TRIES):
            x, y = rng.uniform(-margin, size + margin, 2)
            if all(_apart(made, float(x), float(y), other, touching) for other in grown):
                grown.append(replace(made, x=float(x), y=float(y)))
                covered += np.pi * made.long * made.short
                failed = 0
                break
        else:
            failed += 1
    return tuple(grown)


def _nucleus(rng: Rng, kind: int, kinds: tuple[NucleusKind, ...], scale: float) -> Nucleus:
    of = kinds[kind]
    radius = scale * of.radius * float(np.exp(rng.normal(0, of.spread)))
    ratio = float(rng.uniform(*of.elongation))
    bends = tuple(
        (float(of.roughness * rng.normal() / (place + 1) ** 0.5), float(rng.uniform(0, 2 * np.pi)))
        for place in range(len(_BENDS))
    )
    return Nucleus(
        kind=kind,
        x=0.0,
        y=0.0,
        long=2 * radius * ratio / (1 + ratio),
        short=2 * radius / (1 + ratio),
        angle=float(rng.uniform(0, np.pi)),
        bends=bends,
        density=of.density * float(np.exp(rng.normal(0, 0.25))),
    )


def _apart(made: Nucleus, x: float, y: float, other: Nucleus, touching: float) -> bool:
    """Tell whether two ellipses keep their distance along the line between their centres."""
    across, down = other.x - x, other.y - y
    distance = float(np.hypot(across, down))
    if distance > made.long + other.long + 1:
        return True
    line = float(np.arctan2(down, across))
    need = _half_width(made, line) + _half_width(other, line)
    return distance >= (1.08 - 0.28 * touching) * need + 0.5 * (1 - touching)


def _half_width(nucleus: Nucleus, line: float) -> float:
    theta = line - nucleus.angle
    along, across = np.cos(theta) / nucleus.long, np.sin(theta) / nucleus.short
    return float(1 / np.hypot(along, across))
