"""Products of matrices on one thread, and on as many as before afterwards."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info

from benchhub.outside.one_thread import one_thread


def threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_threads_are_as_before_afterwards():
    before = threads()
    product = np.ones((300, 300)) @ np.ones((300, 300))
    with one_thread():
        assert set(threads()[:1]) <= {1}
        assert (np.ones((300, 300)) @ np.ones((300, 300)) == product).all()
    assert threads() == before
