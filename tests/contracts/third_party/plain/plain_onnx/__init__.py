"""A few ONNX operators in NumPy, as a backend of benchhub."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="plain",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32",),
    options={"convolution": BackendOption("shifts", ("shifts", "windows"))},
    distributions=("benchhub-plain",),
    locks=(LockFile("plain", "numpy"),),
)
