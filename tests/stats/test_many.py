from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from benchhub.stats.many import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1), max_size=30)


def test_a_known_example():
    given_ = [0.01, 0.04, 0.03, 0.005]
    assert holm(given_) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(given_) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@given(p_values)
def test_corrections_only_raise_p_values_and_keep_their_order(values):
    raw = np.asarray(values)
    for adjusted in (holm(values), benjamini_hochberg(values)):
        assert adjusted.shape == raw.shape
        assert (adjusted >= raw - 1e-12).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(raw)]) >= -1e-12).all()


@given(p_values.filter(bool))
def test_the_false_discovery_rate_is_scipys_to_the_last_digit(values):
    assert benjamini_hochberg(values).tolist() == false_discovery_control(values).tolist()


@given(p_values)
def test_holm_is_the_stricter(values):
    assert (holm(values) >= benjamini_hochberg(values) - 1e-12).all()


@pytest.mark.parametrize("bad", [[float("nan")], [-0.1], [1.1]])
@pytest.mark.parametrize("use", [holm, benjamini_hochberg])
def test_bad_p_values(use, bad):
    with pytest.raises(ValueError, match="between 0 and 1"):
        use(bad)
