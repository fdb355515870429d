"""Peers' rules at their defaults, from their published descriptions.

LoadGen: MLPerf inference rules, early stopping (confidence .99, tolerance 0). criterion: its book,
analysis and comparison. hyperfine: scripts/welch_ttest.py. pyperf: `compare_to`, its significance.
Google Benchmark: tools/compare.py, U test at .05. asv: `compare`, factor 1.1 and p < .002. JMH:
scores with 99.9 % intervals of Student's t. pytest-benchmark: --benchmark-compare-fail=mean:5%.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import binom, mannwhitneyu

Values = NDArray[np.float64] | NDArray[np.int64]


@cache
def _overlatency(n: int, q: float, confidence: float) -> int:
    allowed = int(binom.ppf(1 - confidence, n, 1 - q))
    while allowed >= 0 and binom.cdf(allowed, n, 1 - q) > 1 - confidence:
        allowed -= 1
    return allowed


def loadgen_bound(latencies: Values, q: float, confidence: float = 0.99) -> float:
    """Return the early-stopping estimate of the percentile: infinite with too few queries.

    That is the t-th largest latency, t the most queries over the limit that still pass.
    """
    flat = np.sort(latencies, axis=None)
    allowed = _overlatency(flat.size, q, confidence)
    return math.inf if allowed < 1 else float(flat[flat.size - allowed])


def bootstrap_limits(values: Values, q: float) -> tuple[float, float]:
    """Return the limits to which a percentile bootstrap of independent values converges.

    A resampled quantile is an order statistic whose rank is binomial; no dice are needed.
    """
    flat = np.sort(values, axis=None)
    n = flat.size
    half = float(ndtri(0.975)) * math.sqrt(n * q * (1 - q))
    low = max(0, math.floor(n * q - half) - 1)
    high = min(n - 1, math.ceil(n * q + half) - 1)
    return float(flat[low]), float(flat[high])


def welch(a: Values, b: Values) -> float:
    """Return the two-sided p-value of Welch's test."""
    of_a, of_b = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    both = of_a + of_b
    freedom = both**2 / (of_a**2 / (a.size - 1) + of_b**2 / (b.size - 1))
    return 2 * float(stdtr(freedom, -abs(float(a.mean() - b.mean())) / math.sqrt(both)))


def student(a: Values, b: Values) -> float:
    """Return the two-sided p-value of the pooled t test."""
    freedom = a.size + b.size - 2
    squares = float(a.var(ddof=1)) * (a.size - 1) + float(b.var(ddof=1)) * (b.size - 1)
    error = math.sqrt(squares / freedom * (1 / a.size + 1 / b.size))
    return 2 * float(stdtr(freedom, -abs(float(a.mean() - b.mean())) / error))


def hyperfine(a: Values, b: Values) -> bool:
    return welch(a, b) < 0.05


def pyperf(a: Values, b: Values) -> bool:
    return student(a.ravel(), b.ravel()) < 0.05


def google_benchmark(a: Values, b: Values) -> bool:
    return bool(mannwhitneyu(a, b).pvalue < 0.05)


def asv(a: Values, b: Values) -> bool:
    ratio = float(np.median(b) / np.median(a))
    return (ratio > 1.1 or ratio < 1 / 1.1) and bool(
        mannwhitneyu(a.ravel(), b.ravel()).pvalue < 0.002
    )


def jmh(a: Values, b: Values) -> bool:
    limits = []
    for values in (a.ravel(), b.ravel()):
        half = float(stdtrit(values.size - 1, 0.9995)) * float(values.std(ddof=1))
        half /= math.sqrt(values.size)
        limits.append((values.mean() - half, values.mean() + half))
    return bool(limits[0][1] < limits[1][0] or limits[1][1] < limits[0][0])


def criterion(a: Values, b: Values) -> bool:
    """The t test's p-value, for which criterion resamples, by its limit; and a change of 1 %."""
    of_a, of_b = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    error = math.sqrt(of_a + of_b)
    p_value = 2 * float(ndtr(-abs(float(b.mean() - a.mean())) / error))
    change, half = float(b.mean() / a.mean()) - 1, 1.96 * error / float(a.mean())
    return p_value < 0.05 and (change - half > 0.01 or change + half < -0.01)


def pytest_benchmark(a: Values, b: Values) -> bool:
    return abs(float(b.mean() / a.mean()) - 1) > 0.05


def smallest(a: Values, b: Values) -> bool:
    """The smallest of all, and a change of 2 %."""
    return abs(float(b.min() / a.min()) - 1) > 0.02
