"""Sources of latencies whose quantiles are known: A to F, and six that nothing was tuned on.

The noise of B to F and the share of bursts are those at which peers' rules do as badly as they were
seen to: louder noise flatters them. The last two show what more of either does to the gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import gammainc, ndtr
from scipy.stats import pareto

Floats = NDArray[np.float64]
Rng = np.random.Generator
#: Nanoseconds of a call that nothing disturbs.
TYPICAL_NS = 1e7
#: Noise of an iteration: of A, and of the others, where launches or clocks are to stand out.
_LOUD, _SD = 0.06, 0.02
#: Share of iterations in bursts.
_RARE = 0.005


@dataclass(frozen=True, slots=True)
class Source:
    """`logs(rng, launches, iterations)` draws log latencies whose distribution `cdf` gives."""

    what: str
    logs: Callable[[Rng, int, int], Floats]
    cdf: Callable[[float], float]

    def samples_ns(self, rng: Rng, launches: int, iterations: int) -> NDArray[np.int64]:
        drawn = TYPICAL_NS * np.exp(self.logs(rng, launches, iterations))
        return np.maximum(1, np.rint(drawn)).astype(np.int64)

    def quantile_ns(self, q: float) -> float:
        """Return the true quantile over all launches."""
        return TYPICAL_NS * math.exp(brentq(lambda x: self.cdf(x) - q, -3, 8))


def _normals(rng: Rng, k: int, m: int, sd: float = _SD) -> Floats:
    return sd * rng.standard_normal((k, m))


def _autoregressive(rng: Rng, k: int, m: int, rho: float, sd: float = _SD) -> Floats:
    noise = rng.standard_normal((k, m))
    noise[:, 1:] *= math.sqrt(1 - rho**2)
    chained: Floats = lfilter([1.0], [1.0, -rho], noise, axis=1)
    return sd * chained


def _states(rng: Rng, k: int, m: int, share: float, dwell: float) -> NDArray[np.bool_]:
    """Return when each launch is in a state that lasts `dwell` iterations, `share` of the time.

    A chain of two states either keeps its state or draws afresh from how often each occurs.
    """
    kept = 1 - 1 / (dwell * (1 - share))
    afresh = rng.random((k, m)) >= kept
    afresh[:, 0] = True
    drawn_at = np.maximum.accumulate(np.where(afresh, np.arange(m), 0), axis=1)
    return np.take_along_axis(rng.random((k, m)) < share, drawn_at, axis=1)


def _mixture(*parts: tuple[float, float, float]) -> Callable[[float], float]:
    """Return the distribution of normals, each (weight, mean, standard deviation)."""
    return lambda x: float(sum(w * ndtr((x - mean) / sd) for w, mean, sd in parts))


def _clocks(factor: float, sd: float = _SD) -> tuple[tuple[float, float, float], ...]:
    return ((0.8, 0.0, sd), (0.2, math.log(factor), sd))


def _spiked(
    share: float, parts: Sequence[tuple[float, float, float]]
) -> tuple[tuple[float, float, float], ...]:
    return tuple(
        (weight * times, mean + shift, sd)
        for weight, mean, sd in parts
        for times, shift in ((1 - share, 0.0), (share, math.log(1.6)))
    )


def _two_clocks(rng: Rng, k: int, m: int) -> Floats:
    return _clocked(rng, k, m, _SD)


def _clocked(rng: Rng, k: int, m: int, sd: float) -> Floats:
    return _normals(rng, k, m, sd) + math.log(1.15) * _states(rng, k, m, 0.2, 100)


def _launch_effect(rng: Rng, k: int, m: int) -> Floats:
    return _normals(rng, k, m) + 0.02 * rng.standard_normal((k, 1))


def _bursts(rng: Rng, k: int, m: int, spikes: float) -> Floats:
    return _normals(rng, k, m) + math.log(1.6) * _states(rng, k, m, spikes, 5)


def _mix(rng: Rng, k: int, m: int, spikes: float, sd: float = _SD) -> Floats:
    clocks = math.log(1.10) * _states(rng, k, m, 0.2, 100)
    bursts = math.log(1.6) * _states(rng, k, m, spikes, 5)
    launch = 0.015 * rng.standard_normal((k, 1))
    mixed: Floats = _autoregressive(rng, k, m, 0.5, sd) + clocks + bursts + launch
    return mixed


_SHAPE, _WALK, _BOUND = 25.0, 0.01, 0.03


def _walking_gamma(rng: Rng, k: int, m: int) -> Floats:
    level = rng.uniform(-_BOUND, _BOUND) + np.cumsum(_WALK * rng.standard_normal(k))
    folded: Floats = np.abs((level + _BOUND) % (4 * _BOUND) - 2 * _BOUND) - _BOUND
    drawn: Floats = np.log(rng.gamma(_SHAPE, 1 / _SHAPE, (k, m))) + folded[:, None]
    return drawn


def _walking_gamma_cdf(x: float) -> float:
    level = np.linspace(-_BOUND, _BOUND, 401)
    return float(gammainc(_SHAPE, _SHAPE * np.exp(x - level)).mean())


def _bad_launches(rng: Rng, k: int, m: int) -> Floats:
    return _normals(rng, k, m, _LOUD) + math.log(1.3) * (rng.random((k, 1)) < 0.1)


_PERIOD = 40


def _collections(rng: Rng, k: int, m: int) -> Floats:
    phase = rng.integers(0, _PERIOD, (k, 1))
    spikes: Floats = math.log(2.5) * ((np.arange(m) + phase) % _PERIOD == 0)
    return _normals(rng, k, m) + spikes


_PARETO = 1.5


def _heavy(rng: Rng, k: int, m: int) -> Floats:
    drawn: Floats = np.log1p(0.02 * rng.pareto(_PARETO, (k, m)))
    return _normals(rng, k, m) + drawn


def _heavy_cdf(x: float) -> float:
    shares = (np.arange(20_000) + 0.5) / 20_000
    added = np.log1p(0.02 * (pareto.ppf(shares, _PARETO) - 1))
    return float(ndtr((x - added) / 0.02).mean())


LISTED: dict[str, Source] = {
    "A": Source("independent, sd 6 %", lambda rng, k, m: _normals(rng, k, m, _LOUD),
                _mixture((1, 0, _LOUD))),
    "B": Source("autoregressive, rho .9", lambda rng, k, m: _autoregressive(rng, k, m, 0.9),
                _mixture((1, 0, _SD))),
    "C": Source("two clocks x1.15, 20 % slow, 100 iterations", _two_clocks,
                _mixture(*_clocks(1.15))),
    "D": Source("launches differ by sd 2 %", _launch_effect,
                _mixture((1, 0, math.hypot(_SD, 0.02)))),
    "E": Source("bursts of x1.6, .5 % of iterations",
                lambda rng, k, m: _bursts(rng, k, m, _RARE),
                _mixture(*_spiked(_RARE, [(1, 0, _SD)]))),
    "F": Source("launches 1.5 %, rho .5, clocks x1.10, bursts as in E",
                lambda rng, k, m: _mix(rng, k, m, _RARE),
                _mixture(*_spiked(_RARE, _clocks(1.10, math.hypot(_SD, 0.015))))),
}  # fmt: skip

UNLISTED: dict[str, Source] = {
    "gamma walk": Source("gamma, launches walk by 1 % within 3 %", _walking_gamma,
                         _walking_gamma_cdf),
    "bad launches": Source("a tenth of launches x1.3", _bad_launches,
                           _mixture((0.9, 0, _LOUD), (0.1, math.log(1.3), _LOUD))),
    "collections": Source("x2.5 every 40 iterations", _collections,
                          _mixture((1 - 1 / _PERIOD, 0, _SD),
                                   (1 / _PERIOD, math.log(2.5), _SD))),
    "C, noise 6 %": Source("as C, the clocks lost in the noise",
                           lambda rng, k, m: _clocked(rng, k, m, _LOUD),
                           _mixture(*_clocks(1.15, _LOUD))),
    "F, noise 6 %": Source("as F, noise 6 % and 3 % in bursts: their edge is near p95",
                           lambda rng, k, m: _mix(rng, k, m, 0.03, _LOUD),
                           _mixture(*_spiked(0.03, _clocks(1.10, math.hypot(_LOUD, 0.015))))),
    "Pareto": Source("a Pareto tail of shape 1.5", _heavy, _heavy_cdf),
}  # fmt: skip

SOURCES = {**LISTED, **UNLISTED}
