from __future__ import annotations

import numpy as np
import pytest

from benchhub.store.blobs import pack_array, pack_ns, unpack_array, unpack_ns


@pytest.mark.parametrize("values", [[], [5], [0, 2**63 - 1, -(2**63), 1], list(range(1000))])
def test_samples_come_back_exactly(values):
    samples = np.array(values, dtype=np.int64)
    back = unpack_ns(pack_ns(samples))
    assert back.dtype == np.int64
    np.testing.assert_array_equal(back, samples)


def test_latencies_take_less_than_three_and_a_half_bytes_each():
    rng = np.random.default_rng(1)
    samples = (1e7 * np.exp(0.02 * rng.standard_normal(1000))).astype(np.int64)
    assert len(pack_ns(samples)) < 3500


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "bool", "float64"])
def test_arrays_come_back_exactly(dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    back = unpack_array(pack_array(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_damage_is_noticed():
    with pytest.raises(ValueError, match="damaged"):
        unpack_ns(b"not zstd at all")


def test_objects_are_refused():
    with pytest.raises(ValueError, match="Object arrays"):
        pack_array(np.array([{}], dtype=object))
