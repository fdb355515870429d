"""From shapes to a slice as a scanner gives it: tissues around the heart, then the coil's defects.

Rendered `OVERSAMPLING` times finer and averaged over areas, so that edges are mixtures (partial
volume); then blur, ghosts of the beating heart along y, a bias field, and Rician noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from benchhub.model.arrays import Array
from benchhub.tasks.cardiac.heart import Heart, Map, Rng, Section, section

#: Rendered this many times finer than the pixels.
OVERSAMPLING = 4
#: The side of what is imaged, in millimetres.
FIELD_MM = 168.0
#: Stored values of full brightness.
_FULL = 800.0


@dataclass(frozen=True, slots=True)
class Scan:
    """How one patient lies in the scanner and how its tissues shine, 0 to 1."""

    spacing_mm: float
    shift_mm: tuple[float, float]
    blood: float
    muscle: float
    fat: float
    liver: float
    lung: float
    chest: float
    aorta: tuple[float, float, float]
    stomach: tuple[float, float, float]
    liver_edge: float
    blur: float
    noise: float
    ghost: float
    bias: Array

    @classmethod
    def draw(cls, rng: Rng) -> Scan:
        """Return a random exposure."""
        blood = rng.uniform(0.55, 0.85)
        return cls(
            spacing_mm=round(rng.uniform(2.2, 2.8), 4),
            # the left ventricle lies right of the middle, as in a scan planned about the heart
            shift_mm=(rng.uniform(6, 22), rng.uniform(-10, 10)),
            blood=blood,
            muscle=blood * rng.uniform(0.42, 0.62),
            fat=rng.uniform(0.7, 1.0),
            liver=blood * rng.uniform(0.45, 0.75),
            lung=rng.uniform(0.05, 0.15),
            chest=rng.uniform(0.3, 0.45),
            aorta=(rng.uniform(34, 52), rng.uniform(38, 54), rng.uniform(8, 12)),
            stomach=(rng.uniform(40, 62), rng.uniform(-10, 22), rng.uniform(11, 19)),
            liver_edge=rng.uniform(40, 56),
            blur=rng.uniform(0.5, 0.9),
            noise=rng.uniform(0.05, 0.10),
            ghost=rng.uniform(0.02, 0.10),
            bias=rng.normal(0, 0.22, 5),
        )

    @property
    def pixels(self) -> int:
        """How many pixels the field is wide and high."""
        return int(FIELD_MM / self.spacing_mm)


def expose(heart: Heart, scan: Scan, level: float, emptied: bool, rng: Rng) -> tuple[Array, Array]:
    """Return one slice and its labels, int16 and uint8 (pixels, pixels), rows along y."""
    count = scan.pixels
    axis = (np.arange(count * OVERSAMPLING, dtype=np.float32) + 0.5) / OVERSAMPLING - count / 2
    axis = (axis * np.float32(scan.spacing_mm)).astype(np.float32)
    blank = np.zeros((len(axis), len(axis)), dtype=np.float32)
    x = np.asarray(blank + (axis - np.float32(scan.shift_mm[0]))[None, :], dtype=np.float32)
    y = np.asarray(blank + (axis - np.float32(scan.shift_mm[1]))[:, None], dtype=np.float32)
    cut = section(heart, x, y, level, emptied, rng)
    light = _area(_tissues(scan, cut, x, y))
    masks = (cut.right, cut.muscle, cut.cavity)
    shares = np.stack([_area(mask.astype(np.float32)) for mask in masks])
    shares = np.concatenate([1 - shares.sum(axis=0, keepdims=True), shares])
    seen = _defects(scan, light, shares[1:].sum(axis=0), rng)
    stored = np.clip(np.rint(seen * _FULL), 0, 32767).astype(np.int16)
    return stored, shares.argmax(axis=0).astype(np.uint8)


def _tissues(scan: Scan, cut: Section, x: Map, y: Map) -> Map:
    """Return the brightness of every point; what is painted later lies on top."""
    light = np.full(x.shape, scan.chest, dtype=np.float32)
    wide = _reach(x, y + 6, 74, 62)
    light[wide < 1] = scan.lung
    light[(wide >= 1) & (wide < 1.25)] = scan.fat
    light[(y > scan.liver_edge + np.float32(0.25) * x) & (x < 30)] = scan.liver
    sx, sy, size = scan.stomach
    reach = _reach(x - np.float32(sx), y - np.float32(sy), size, size / 1.2)
    light[reach < 1] = scan.muscle * 0.9
    light[reach < 0.5] = scan.blood * 0.9
    ax, ay, size = scan.aorta
    reach = _reach(x - np.float32(ax), y - np.float32(ay), size + 2, size + 2)
    light[reach < 1] = scan.muscle
    light[reach < (size / (size + 2)) ** 2] = scan.blood
    light[cut.fat] = scan.fat * 0.8
    light[cut.right] = scan.blood * 0.95
    light[cut.muscle] = scan.muscle
    light[cut.cavity] = scan.blood
    light[cut.papillary] = scan.muscle * 1.15
    return light


def _defects(scan: Scan, light: Map, heart: Map, rng: Rng) -> Map:
    seen = gaussian_filter(light, scan.blur)
    moving = gaussian_filter(light * heart, scan.blur)
    for shift, strength in ((len(light) // 4, 1.0), (-(len(light) // 4), 0.7)):
        seen = seen + np.float32(scan.ghost * strength) * np.roll(moving, shift, axis=0)
    ramp = np.linspace(-1, 1, len(light), dtype=np.float32)
    x, y = ramp[None, :], ramp[:, None]
    a, b, c, d, e = (np.float32(value) for value in scan.bias)
    seen = seen * np.exp(a * x + b * y + c * x * y + d * x * x / 2 + e * y * y / 2)
    real, other = rng.standard_normal((2, *light.shape), dtype=np.float32) * np.float32(scan.noise)
    return np.asarray(np.hypot(seen + real, other), dtype=np.float32)


def _reach(x: Map, y: Map, across: float, down: float) -> Map:
    """Return 1 on the ellipse of these half axes, less within."""
    one, other = np.float32(across**-2), np.float32(down**-2)
    return np.asarray(x * x * one + y * y * other)


def _area(fine: Map) -> Map:
    side = len(fine) // OVERSAMPLING
    blocks = fine.reshape(side, OVERSAMPLING, side, OVERSAMPLING)
    # rows first: sums over whole rows run at the speed of memory
    return np.asarray(blocks.sum(axis=1).sum(axis=2) / np.float32(OVERSAMPLING**2))
