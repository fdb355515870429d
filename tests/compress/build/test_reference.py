import numpy as np
import pytest

from benchhub.compress.build.reference import reference_outputs
from benchhub.compress.files.look import inspect_onnx
from benchhub.errors import ConfigError

WEIGHT = np.arange(1, 7, dtype=np.float32).reshape(3, 2)


@pytest.mark.parametrize("shape", [("n", 3), (1, 3), (4, 3)])
def test_outputs_for_open_and_fixed_batches(linear, shape):
    variant = inspect_onnx("v", linear(shape=shape))
    cases = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    (found,) = reference_outputs(variant, {"x": cases}, batch=3)
    np.testing.assert_allclose(found, cases @ WEIGHT, rtol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ({"y": np.zeros((2, 3), np.float32)}, "no array for model input 'x'"),
        (
            {"x": np.zeros((2, 3), np.float32), "z": np.zeros((2, 3), np.float32)},
            "the data has an array 'z'",
        ),
        ({"x": np.zeros((2, 3))}, "float64 in the data and float32 in the model"),
        ({"x": np.zeros((2, 5), np.float32)}, "has shape 5 per case in the data and 3"),
        ({"x": np.zeros((2, 3, 1), np.float32)}, "has shape 3x1 per case"),
    ],
)
def test_cases_that_do_not_fit(linear, inputs, wanted):
    with pytest.raises(ConfigError) as caught:
        reference_outputs(inspect_onnx("v", linear()), inputs)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
