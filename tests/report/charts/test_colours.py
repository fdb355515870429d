"""The colours of charts are told apart by eyes of every kind, and from both grounds."""

from __future__ import annotations

import itertools
import math

import pytest

from benchhub.report.charts import colours

Colour = tuple[float, float, float]

#: What eyes that lack a kind of cone see, in linear light: Machado, Oliveira and Fernandes (2009),
#: "A physiologically-based model for simulation of color vision deficiency", severity 1.
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
GROUNDS = {"light": (colours.GROUND, 0), "dark": (colours.DARK[colours.GROUND], 1)}


def linear(text: str) -> Colour:
    parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    made = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return made[0], made[1], made[2]


def seen(text: str, eyes: str) -> Colour:
    """In Oklab (Ottosson 2020), where distances are about alike everywhere."""
    r, g, b = (
        min(1.0, max(0.0, sum(x * y for x, y in zip(row, linear(text), strict=True))))
        for row in EYES[eyes]
    )
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def contrast(one: str, other: str) -> float:
    lights = sorted(
        0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other))
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_no_two_colours_look_alike(ground: str, eyes: str) -> None:
    mine = [slot[GROUNDS[ground][1]] for slot in colours.SLOTS]
    nearest = min(
        (math.dist(seen(a, eyes), seen(b, eyes)), a, b) for a, b in itertools.combinations(mine, 2)
    )
    assert nearest[0] > 0.12, nearest


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_stands_out_from_the_ground(ground: str) -> None:
    text, at = GROUNDS[ground]
    for slot in (*colours.SLOTS, colours.REST):
        assert contrast(slot[at], text) >= 3, slot  # WCAG 2.2, 1.4.11: graphical objects
    for ink in (colours.INK, colours.SOFT, colours.LIMIT):
        assert contrast(colours.DARK[ink] if at else ink, text) >= 4.5  # 1.4.3: text


def test_shapes_and_colours_are_used_once() -> None:
    names = ["onnxruntime", "openvino", "tflite", "torch", "tensorrt", "acme"]
    found = colours.slots(names)
    assert len(set(found.values())) == len({c for c, _ in found.values()}) == len(names)
    assert len({shape for _, shape in found.values()}) == len(names)
    assert colours.without_slot(names) == set()


def test_a_backend_looks_the_same_beside_any_others() -> None:
    assert colours.slots(["torch"])["torch"] == colours.slots(["acme", "tflite", "torch"])["torch"]


def test_more_backends_than_colours_are_named_by_labels() -> None:
    names = [f"backend-{at}" for at in range(9)]
    assert colours.without_slot(names) == set(names[len(colours.SLOTS) :])


def test_every_colour_has_its_partner_on_a_dark_ground() -> None:
    sheet = colours.sheet()
    for light, dark in colours.DARK.items():
        assert f'[fill="{light}"]{{fill:{dark}}}' in sheet
    assert len(set(colours.DARK)) == len(colours.DARK)
