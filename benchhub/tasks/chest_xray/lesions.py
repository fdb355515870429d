"""The fourteen findings as templates added to a scene: low in contrast, random in place and size.

`severity` is about 1 for a typical finding; the table `FINDINGS` gives each its contrast, how
often patients have it, and which findings it tends to come with. Shapes follow the textbook sign
(meniscus, hyperlucent rim, bat wings), not any data set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchhub.tasks.chest_xray.anatomy import Map, Scene, noise, soft

Place = tuple[int, float, float]


def _spot(view: Scene, reach: float = 0.62, low: float = -1.0, high: float = 0.8) -> Place:
    """Return a lung and a point in it; `low`..`high` bound the height in lung radii."""
    side = int(view.rng.integers(2))
    down = view.rng.uniform(low, high) * reach
    across = view.rng.uniform(-1, 1) * reach * np.sqrt(max(0.0, 1 - down * down))
    centre, radii = view.centres[side], view.radii
    return side, centre[0] + across * radii[0], centre[1] + down * radii[1]


def _blob(view: Scene, at: Place, radius: float, width: float, squash: float = 1.0) -> Map:
    _, cx, cy = at
    turn = view.rng.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    dx, dy = view.x - np.float32(cx), view.y - np.float32(cy)
    u, v = dx * cos + dy * sin, (dy * cos - dx * sin) / np.float32(squash)
    return soft(1 - np.sqrt(u * u + v * v) / radius, width)


def _patch(view: Scene, blur: float) -> Map:
    return noise(view.rng, view.x.shape[0], view.x.shape[0] * blur)


def atelectasis(view: Scene, amount: float) -> None:
    """Plate-like bands near the base of a lung."""
    side, cx, cy = _spot(view, low=0.1, high=0.9)
    slope = view.rng.uniform(-0.5, 0.5)
    along = np.exp(-(((view.x - cx) / 0.24) ** 2))
    for offset in (0.0, view.rng.uniform(0.08, 0.14)):
        across = (view.y - cy - offset - slope * (view.x - cx)) / 0.035
        view.tissue += amount * along * np.exp(-(across**2)) * view.lungs[side]


def cardiomegaly(view: Scene, amount: float) -> None:
    """A wider heart."""
    view.heart *= 1 + amount


def effusion(view: Scene, amount: float) -> None:
    """Fluid with a meniscus in one costophrenic angle."""
    side = int(view.rng.integers(2))
    sign = -1.0 if side == 0 else 1.0
    level = view.dome - view.rng.uniform(0.12, 0.24)
    rise = 0.9 * np.clip(sign * view.x - 0.35, 0, 1) ** 2
    view.tissue += amount * soft(view.y - level + rise, 0.05) * view.lungs[side]


def infiltration(view: Scene, amount: float) -> None:
    """Patchy haze."""
    at = _spot(view)
    haze = _blob(view, at, view.rng.uniform(0.22, 0.32), 0.5) * (1 + 0.6 * _patch(view, 0.035))
    view.tissue += amount * haze * view.lungs[at[0]]


def mass(view: Scene, amount: float) -> None:
    """One round density of several centimetres."""
    at = _spot(view)
    view.tissue += amount * _blob(view, at, view.rng.uniform(0.10, 0.15), 0.3, 0.85)


def nodule(view: Scene, amount: float) -> None:
    """One or two small round densities."""
    for _ in range(int(view.rng.integers(1, 3))):
        view.tissue += amount * _blob(view, _spot(view), view.rng.uniform(0.045, 0.065), 0.4)


def pneumonia(view: Scene, amount: float) -> None:
    """A lobar opacity with branching air."""
    at = _spot(view, low=-0.2, high=0.9)
    lobe = _blob(view, at, view.rng.uniform(0.20, 0.28), 0.35, 0.75)
    stripes = 0.6 + 0.4 * np.cos((view.x * 0.8 + view.y) * 45 + view.rng.uniform(0, 6))
    view.tissue += amount * lobe * stripes * view.lungs[at[0]]


def pneumothorax(view: Scene, amount: float) -> None:
    """A hyperlucent rim without texture, bounded by a thin pleural line."""
    side = int(view.rng.integers(2))
    gap = view.rng.uniform(0.22, 0.36)
    upper = soft(0.15 - view.y, 0.2)
    sign = -1.0 if side == 0 else 1.0
    outer = soft(sign * (view.x - view.centres[side][0]) + 0.08, 0.08)
    rim = soft(gap - view.edge[side], 0.05) * view.lungs[side] * upper * outer
    line = np.exp(-(((view.edge[side] - gap) / 0.05) ** 2)) * upper * outer
    view.air += amount * rim
    view.texture *= 1 - rim
    view.tissue += 0.4 * amount * line * view.lungs[side]


def consolidation(view: Scene, amount: float) -> None:
    """A homogeneous, sharply bounded opacity."""
    at = _spot(view)
    view.tissue += (
        amount * _blob(view, at, view.rng.uniform(0.15, 0.22), 0.12, 0.6) * view.lungs[at[0]]
    )


def edema(view: Scene, amount: float) -> None:
    """Haze around both hila, like bat wings."""
    wings = np.exp(-(((np.abs(view.x) - 0.25) / 0.2) ** 2) - ((view.y - 0.0) / 0.33) ** 2)
    view.tissue += amount * wings * (1 + 0.3 * _patch(view, 0.03))


def emphysema(view: Scene, amount: float) -> None:
    """Over-inflated, darker lungs over flat, low domes."""
    view.air *= 1 + amount
    view.texture *= 1 - amount
    view.dome += 0.5 * amount
    view.heart *= 1 - 0.4 * amount


def fibrosis(view: Scene, amount: float) -> None:
    """A fine net at both bases."""
    low = soft(view.y - 0.05, 0.2)
    net = 1.3 - np.abs(_patch(view, 0.014))
    view.tissue += amount * low * np.clip(net, 0, None) * np.maximum(*view.lungs)


def pleural_thickening(view: Scene, amount: float) -> None:
    """A dense band along the side wall of one lung."""
    side = int(view.rng.integers(2))
    sign = -1.0 if side == 0 else 1.0
    outer = soft(sign * (view.x - view.centres[side][0]) - 0.05, 0.08)
    reach = np.exp(-(((view.y - view.rng.uniform(-0.4, 0.2)) / 0.35) ** 2))
    view.tissue += amount * np.exp(-(((view.edge[side] - 0.12) / 0.13) ** 2)) * outer * reach


def hernia(view: Scene, amount: float) -> None:
    """A round shadow with an air bubble behind the heart, above the dome."""
    at = (1, view.rng.uniform(-0.05, 0.15), view.dome - view.rng.uniform(0.10, 0.16))
    view.tissue += amount * _blob(view, at, 0.17, 0.2)
    bubble = _blob(view, (1, at[1], at[2] - 0.05), 0.09, 0.25, 0.7)
    view.tissue -= 1.3 * amount * bubble


@dataclass(frozen=True, slots=True)
class Lesion:
    """One label: its template, its typical contrast, its share of patients, its companions."""

    name: str
    draw: Callable[[Scene, float], None]
    contrast: float
    share: float
    companions: tuple[str, ...] = ()


FINDINGS: tuple[Lesion, ...] = (
    Lesion("Atelectasis", atelectasis, 0.24, 0.14, ("Effusion",)),
    Lesion("Cardiomegaly", cardiomegaly, 0.15, 0.07, ("Effusion", "Edema")),
    Lesion("Effusion", effusion, 0.12, 0.14),
    Lesion("Infiltration", infiltration, 0.17, 0.20),
    Lesion("Mass", mass, 0.2, 0.07, ("Nodule",)),
    Lesion("Nodule", nodule, 0.28, 0.09),
    Lesion("Pneumonia", pneumonia, 0.13, 0.05, ("Infiltration", "Consolidation")),
    Lesion("Pneumothorax", pneumothorax, 0.17, 0.07),
    Lesion("Consolidation", consolidation, 0.22, 0.07, ("Infiltration",)),
    Lesion("Edema", edema, 0.12, 0.05, ("Effusion",)),
    Lesion("Emphysema", emphysema, 0.08, 0.05),
    Lesion("Fibrosis", fibrosis, 0.065, 0.05),
    Lesion("Pleural_Thickening", pleural_thickening, 0.21, 0.07, ("Effusion",)),
    Lesion("Hernia", hernia, 0.12, 0.03),
)

LABELS: tuple[str, ...] = tuple(finding.name for finding in FINDINGS)
