"""Synthetic microscopy of stained tissue: nuclei of several kinds in haematoxylin and eosin.

A picture is drawn as two maps of stain density, one of each dye, which Beer and Lambert's law turns
into colour (`skimage.color.hed2rgb`); then it is blurred, exposed and given noise. Nuclei are
perturbed ellipses that touch and overlap within bounds. Lengths are pixels, x runs to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchhub.model.arrays import Array
from benchhub.tasks.stained.instances import Labels, from_outlines
from benchhub.tasks.stained.nucleus import KINDS, VERTICES, Nucleus, NucleusKind, grow

__all__ = [
    "KINDS",
    "VERTICES",
    "Nucleus",
    "NucleusKind",
    "Picture",
    "Stain",
    "Tissue",
    "field",
    "render",
]  # fmt: skip

Map = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Tissue:
    """What grows on a slide: how often each kind, how dense, how tight, in what ground.

    `mix` weighs the kinds; `cover` is the share of the area that nuclei aim at; `touching` from 0
    (apart) to 1 (a third of a radius into each other). `eosin` is the ground's mean density,
    `fibres` the relative strength of its strands, `haze` that of haematoxylin which is no nucleus.
    """

    mix: tuple[float, ...] = (0.30, 0.25, 0.20, 0.05, 0.20)
    cover: float = 0.28
    touching: float = 0.5
    eosin: float = 0.028
    fibres: float = 0.35
    haze: float = 0.25


@dataclass(frozen=True, slots=True)
class Stain:
    """How one slide was stained and photographed; everything on it shares this.

    `haematoxylin` and `eosin` scale the densities, `gain` (red, green, blue) and `light` the
    colours. `blur` is the standard deviation in pixels, `noise` that of the sensor, in 0..1.
    """

    haematoxylin: float = 1.0
    eosin: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    light: float = 0.97
    blur: float = 0.8
    noise: float = 0.03

    @classmethod
    def draw(cls, rng: Rng, strength: float = 1.0) -> Stain:
        """Return a random slide; `strength` scales how far slides differ, 0: all alike."""
        red, green, blue = (float(np.exp(strength * rng.normal(0, 0.03))) for _ in range(3))
        return cls(
            haematoxylin=float(np.exp(strength * rng.normal(0, 0.22))),
            eosin=float(np.exp(strength * rng.normal(0, 0.30))),
            gain=(red, green, blue),
            light=float(0.95 + strength * rng.uniform(-0.05, 0.03)),
            blur=float(0.8 + strength * rng.uniform(-0.25, 0.4)),
            noise=float(0.03 * np.exp(strength * rng.normal(0, 0.3))),
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture: `image` uint8 (size, size, 3); `instances` int32 (size, size), 0 background;
    `kinds` uint8 (size, size), 0 background and k + 1 for the k-th kind; and the `nuclei` and their
    `outlines` in the order of their numbers, those behind others or outside included.
    """  # fmt: skip

    image: NDArray[np.uint8]
    instances: Labels
    kinds: NDArray[np.uint8]
    nuclei: tuple[Nucleus, ...]
    outlines: tuple[Array, ...]


def render(
    rng: Rng,
    size: int,
    tissue: Tissue,
    stain: Stain,
    scale: float = 1.0,
    kinds: tuple[NucleusKind, ...] = KINDS,
) -> Picture:
    """Return a picture of `size` pixels square; `scale` magnifies nuclei and textures.

    The same state of `rng` gives the same picture. ValueError if the mix is not of `kinds`.
    """
    if len(tissue.mix) != len(kinds):
        raise ValueError(f"a mix of {len(tissue.mix)} shares for {len(kinds)} kinds of nuclei")
    nuclei = grow(rng, size, tissue.mix, tissue.cover, tissue.touching, scale, kinds)
    outlines = tuple(nucleus.outline() for nucleus in nuclei)
    instances = from_outlines(outlines, (size, size))
    of_number = np.array([0, *(nucleus.kind + 1 for nucleus in nuclei)], dtype=np.uint8)
    dye = _densities(rng, size, tissue, scale, kinds, nuclei)
    image = _expose(rng, dye[0] * stain.haematoxylin, dye[1] * stain.eosin, stain)
    return Picture(image, instances, of_number[instances], nuclei, outlines)


def field(rng: Rng, size: int, grain: float) -> Map:
    """Return smooth noise of mean 0 and unit variance, (size, size); `grain` in pixels."""
    smooth = gaussian_filter(
        rng.standard_normal((size, size), dtype=np.float32), grain, mode="wrap"
    )
    return np.asarray((smooth - smooth.mean()) / (smooth.std() or 1.0), dtype=np.float32)


def _densities(
    rng: Rng,
    size: int,
    tissue: Tissue,
    scale: float,
    kinds: tuple[NucleusKind, ...],
    nuclei: tuple[Nucleus, ...],
) -> tuple[Map, Map]:
    """Return the densities of haematoxylin and eosin, nuclei drawn in order over the ground."""
    strands = field(rng, size, 1.2 * scale) * 0.6 + field(rng, size, 5 * scale)
    eosin = tissue.eosin * np.exp(tissue.fibres * strands)
    haze = np.maximum(field(rng, size, 3.5 * scale) + 0.6 * field(rng, size, 1.2 * scale), 0)
    dark = np.asarray(0.014 + 0.055 * tissue.haze * haze, dtype=np.float32)
    textures = [field(rng, size, kind.grain * scale) for kind in kinds]
    for nucleus in nuclei:
        _stamp(dark, eosin, nucleus, kinds[nucleus.kind], textures[nucleus.kind])
    return dark, np.asarray(eosin, dtype=np.float32)


def _stamp(dark: Map, eosin: Map, nucleus: Nucleus, kind: NucleusKind, texture: Map) -> None:
    """Lay one nucleus over both maps, its edge one pixel soft."""
    size = len(dark)
    reach = nucleus.reach + 1
    left, right = (int(np.clip(nucleus.x + s * reach + (s > 0), 0, size)) for s in (-1, 1))
    top, bottom = (int(np.clip(nucleus.y + s * reach + (s > 0), 0, size)) for s in (-1, 1))
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    dx, dy = columns - nucleus.x, rows - nucleus.y
    cos, sin = np.cos(nucleus.angle), np.sin(nucleus.angle)
    along, across = (cos * dx + sin * dy) / nucleus.long, (cos * dy - sin * dx) / nucleus.short
    level = np.hypot(along, across) / nucleus.stretch(np.arctan2(across, along))
    inside = np.clip((1 - level) * nucleus.short + 0.5, 0, 1)
    shade = 1 + kind.clumps * texture[top:bottom, left:right] + kind.rim * (level**4 - 0.4)
    stained = nucleus.density * np.clip(shade, 0.25, 2.2)
    dark[top:bottom, left:right] += inside * (stained - dark[top:bottom, left:right])
    eosin[top:bottom, left:right] *= 1 - 0.6 * inside


def _expose(rng: Rng, dark: Map, eosin: Map, stain: Stain) -> NDArray[np.uint8]:
    from skimage.color import hed2rgb

    dyes = np.stack([dark, eosin, np.zeros_like(dark)], axis=-1)
    colour = hed2rgb(gaussian_filter(dyes, (stain.blur, stain.blur, 0)))
    colour = colour * (stain.light * np.asarray(stain.gain))
    colour = colour + stain.noise * rng.standard_normal(colour.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(255 * colour), 0, 255), dtype=np.uint8)
