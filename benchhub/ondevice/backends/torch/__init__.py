"""PyTorch, on a CPU or with CUDA."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="torch",
    runtime=__name__ + ".runtime",
    formats=("torchscript", "exported"),
    precisions=("f32", "tf32", "f16", "bf16"),
    options={
        "device": BackendOption("cpu", ("cpu", "cuda")),
        "mode": BackendOption("eager", ("eager", "compile", "cuda-graphs")),
        "channels_last": BackendOption(False),
    },
    gpu=("cuda",),
    distributions=("torch",),
    locks=(LockFile("torch", "torch"),),  # some gigabytes with its CUDA: only where it is named
)
