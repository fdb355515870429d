"""Areas under the curve are exact, of few cases as of many: the same digits as whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from benchhub.tasks.metrics.ranking import weighted_auc


@pytest.mark.parametrize("cases", [2, 7, 240, 999, 1001, 1500])
@pytest.mark.parametrize("digits", [1, 9])
def test_it_is_the_quotient_of_whole_numbers(cases, digits):
    rng = np.random.default_rng([cases, digits])
    truth = np.arange(cases) % 3 == 0
    scores = np.round(rng.normal(truth, 1), digits).astype(np.float32)
    weights = rng.multinomial(cases, np.full(cases, 1 / cases), size=5)
    beaten, tied = (compare(scores[truth][:, None], scores[~truth])
                    for compare in (np.greater, np.equal))  # fmt: skip
    mine, others = weights[:, truth], weights[:, ~truth]
    twice = np.einsum("rp,pn,rn->r", mine, 2 * beaten + tied, others)
    with np.errstate(invalid="ignore"):
        expected = twice / 2 / (mine.sum(axis=1) * others.sum(axis=1))
    found = weighted_auc(scores, truth, weights.astype(np.float64))
    assert found.tolist() == pytest.approx(expected.tolist(), rel=0, abs=0, nan_ok=True)


def test_shares_of_cases_count_as_shares():
    """Only whole weights are held in float32."""
    scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    weights = np.array([[0.1, 0.3, 0.7, 1.9]])
    won = 0.7 * 0.1 + 1.9 * (0.1 + 0.3)
    (found,) = weighted_auc(scores, truth, weights)
    assert found == pytest.approx(won / (0.4 * 2.6), rel=1e-14)
