"""A synthetic frontal chest radiograph: attenuation maps summed along the beam, then exposed.

Coordinates run over [-1, 1]: x to the right of the image (the patient's left), y downwards. Every
map is an optical thickness (attenuation x path length), so structures add and the detector sees
exp(-sum), as in Beer and Lambert's law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchhub.model.arrays import Array

Map = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Body:
    """What one patient looks like in every image: proportions, not pose."""

    thickness: float
    lung_width: float
    lung_height: float
    heart: float
    ribs: float
    rib_pitch: float
    rib_bend: float
    dome: float
    texture: float

    @classmethod
    def draw(cls, rng: Rng) -> Body:
        """Return a random patient."""
        return cls(
            thickness=rng.uniform(0.9, 1.25),
            lung_width=rng.uniform(0.30, 0.36),
            lung_height=rng.uniform(0.56, 0.68),
            heart=rng.normal(1.0, 0.07),
            ribs=rng.uniform(0.10, 0.18),
            rib_pitch=rng.uniform(0.17, 0.22),
            rib_bend=rng.uniform(0.25, 0.55),
            dome=rng.uniform(0.42, 0.55),
            texture=rng.uniform(0.05, 0.09),
        )


@dataclass(slots=True)
class Scene:
    """One exposure being put together; lesions add to `tissue` and scale `air`.

    `lungs` are soft masks (0..1) of the left and right half of the image, `edge` the signed
    distance-like value of each lung (1 at the centre, 0 at the pleura).
    """

    x: Map
    y: Map
    lungs: tuple[Map, Map]
    edge: tuple[Map, Map]
    centres: tuple[tuple[float, float], tuple[float, float]]
    radii: tuple[float, float]
    dome: float
    heart: float
    air: Map
    tissue: Map
    texture: Map
    rng: Rng


def noise(rng: Rng, size: int, blur: float) -> Map:
    """Return smooth noise of unit variance, (size, size); `blur` in pixels."""
    coarse = max(1, int(blur / 1.5))
    cells = -(-size // coarse) + 2
    field = gaussian_filter(
        rng.standard_normal((cells, cells), dtype=np.float32), blur / coarse, mode="wrap"
    )
    if coarse > 1:
        ramp = np.arange(size, dtype=np.float32) / coarse
        low = ramp.astype(np.intp)
        part = (ramp - low)[:, None]
        field = field[low] * (1 - part) + field[low + 1] * part
        field = field[:, low] * (1 - part.T) + field[:, low + 1] * part.T
    field = field[:size, :size]
    spread = float(field.std()) or 1.0
    return np.asarray((field - field.mean()) / spread, dtype=np.float32)


def soft(value: Array, width: float) -> Map:
    """Return a smooth step: 0 far below zero, 1 far above, `width` wide."""
    return np.asarray(0.5 + 0.5 * np.tanh(value / width), dtype=np.float32)


def scene(body: Body, rng: Rng, size: int) -> Scene:
    """Return the lungs of `body` in a pose drawn from `rng`, on a (size, size) grid."""
    axis = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1).astype(np.float32)
    turn = rng.normal(0, 0.025)
    zoom = rng.normal(1.0, 0.03)
    shift_x, shift_y = rng.normal(0, 0.025, 2)
    column, row = axis[None, :] - np.float32(shift_x), axis[:, None] - np.float32(shift_y)
    x = ((column + np.float32(turn) * row) / np.float32(zoom)).astype(np.float32)
    y = ((row - np.float32(turn) * column) / np.float32(zoom)).astype(np.float32)
    breath = rng.normal(1.0, 0.03)
    radii = (body.lung_width, body.lung_height * breath)
    centres = ((-0.43, -0.08), (0.43, -0.08))
    edge = tuple(_inside(x, y, centre, radii) for centre in centres)
    texture = noise(rng, size, size / 40) * np.float32(0.6) + noise(rng, size, size / 14)
    blank = np.zeros((size, size), dtype=np.float32)
    return Scene(
        x=x,
        y=y,
        lungs=(soft(edge[0], 0.06), soft(edge[1], 0.06)),
        edge=(edge[0], edge[1]),
        centres=centres,
        radii=radii,
        dome=body.dome * breath,
        heart=body.heart,
        air=np.ones((size, size), dtype=np.float32),
        tissue=blank,
        texture=texture,
        rng=rng,
    )


def _inside(x: Map, y: Map, centre: tuple[float, float], radii: tuple[float, float]) -> Map:
    across = np.abs((x - centre[0]) / radii[0]) ** np.float32(2.2)
    down = np.abs((y - centre[1]) / radii[1]) ** np.float32(2.6)
    return np.asarray(1 - across - down, dtype=np.float32)


def expose(body: Body, view: Scene) -> NDArray[np.float32]:
    """Return the radiograph of a finished scene: (size, size), 0 (lucent) to 1 (dense)."""
    x, y, rng = view.x, view.y, view.rng
    trunk = np.sqrt(np.clip(1.05 - (x / 0.98) ** 2 - 0.12 * y**2, 0, None))
    depth = np.float32(1.15 * body.thickness) * trunk
    lungs = np.maximum(*view.lungs)
    below = soft(y - view.dome + 0.16 * np.cos(np.clip(np.abs(x) - 0.45, -1, 1) * 3), 0.05)
    aired = lungs * (1 - below)
    depth -= 0.75 * aired * view.air
    depth += body.texture * aired * view.texture
    heart = 1 - ((x - 0.13) / (0.30 * view.heart)) ** 2 - ((y - 0.24) / (0.29 * view.heart)) ** 2
    depth += 0.40 * soft(heart, 0.12)
    depth += 0.45 * np.exp(-((x / 0.14) ** 2)) + 0.35 * below
    phase = (y - body.rib_bend * (np.abs(x) - 0.2) ** 2) / body.rib_pitch
    depth += body.ribs * np.clip(np.cos(2 * np.pi * phase), 0, None) ** 3 * soft(trunk - 0.35, 0.1)
    depth += view.tissue
    signal = np.exp(-depth)
    signal += rng.standard_normal(signal.shape, dtype=np.float32) * 0.05 * np.sqrt(signal)
    gain = rng.uniform(0.9, 1.1)
    return np.asarray(1.12 - gain * np.clip(signal, 0, None) ** 0.8, dtype=np.float32)
