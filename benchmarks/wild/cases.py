"""Cases for the models, made from a seed: near to what a model would meet."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from benchhub.model.arrays import Array
from benchmarks.wild.manifest import Input, Model

_SEED = 20261129
#: Training cases for recipes that calibrate, drawn after the others.
CALIBRATION = 16


def make(model: Model) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the cases by input, and as many others to calibrate with; states are in neither."""
    test, fitting = {}, {}
    for name, of in model.inputs.items():
        rng = np.random.default_rng([_SEED, zlib.crc32(f"{model.name} {name}".encode())])
        if of.is_whole:
            test[name] = fitting[name] = _whole(of)
            continue
        drawn = np.stack([_one(of, rng) for _ in range(model.cases + CALIBRATION)])
        test[name], fitting[name] = drawn[: model.cases], drawn[model.cases :]
    return test, fitting


def starts(model: Model) -> Mapping[str, Array]:
    """Return what each state of a model begins with."""
    return {name: np.zeros(of.shape, np.float32) for name, of in model.state.items()}


def _whole(of: Input) -> Array:
    if of.kind == "scalar":
        return np.array(of.value, of.dtype)
    return np.zeros(of.shape, of.dtype or "float32")


def _one(of: Input, rng: np.random.Generator) -> Array:
    """Return one case of an input."""
    shape = of.shape
    if of.kind == "image":
        return _smooth(rng, shape).astype(np.float32)
    if of.kind == "image255":
        return np.round(127.5 * (_smooth(rng, shape) + 1)).astype(np.float32)
    if of.kind == "audio":
        return _sound(rng, shape)
    if of.kind == "ids":
        return rng.integers(1, of.below, shape).astype(of.dtype or "int64")
    if of.kind == "bytes":
        return _bytes(rng, shape[0]).astype(of.dtype)
    if of.kind == "uniform":
        return rng.uniform(0, of.below, shape).astype(np.float32)
    if of.kind in ("ones", "zeros"):
        return np.full(shape, of.kind == "ones", of.dtype or "float32")
    return rng.standard_normal(shape).astype(np.float32)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return something like an image, from -1 to 1: a few waves over every axis, and grain."""
    axes = np.meshgrid(*(np.linspace(0, 1, size) for size in shape), indexing="ij")
    waves = np.zeros(shape)
    for _ in range(6):
        steps = [rng.uniform(-6, 6) * axis for axis in axes]
        waves += np.sin(2 * np.pi * (sum(steps) + rng.uniform()))
    return np.clip(waves / 4 + rng.normal(0, 0.1, shape), -1, 1)


def _sound(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return a few tones that swell and fade, with noise, within -1 and 1."""
    size = int(np.prod(shape))
    time = np.arange(size) / 16_000
    tones = sum(
        rng.uniform(0.05, 0.2) * np.sin(2 * np.pi * rng.uniform(80, 2_000) * time) for _ in range(5)
    )
    swell = np.abs(np.sin(np.pi * rng.uniform(0.5, 4) * time + rng.uniform(0, 3)))
    return (tones * swell + rng.normal(0, 0.01, size)).reshape(shape).astype(np.float32)


def _bytes(rng: np.random.Generator, size: int) -> Array:
    """Return the bytes of a made file: text, numbers, repeats, compressed or random ones."""
    words = [b"def ", b"return ", b"<div>", b'{"a": ', b"SELECT ", b"the ", b"0.25,", b"\n"]
    kind = rng.integers(4)
    if kind == 0:
        text = b"".join(words[i] for i in rng.integers(0, len(words), size))
    elif kind == 1:
        text = zlib.compress(rng.integers(0, 64, 4 * size, dtype=np.uint8).tobytes())
    elif kind == 2:
        text = words[rng.integers(len(words))] * size
    else:
        text = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
    return np.frombuffer(text[:size].ljust(size, b" "), np.uint8)
