"""PyTorch, on a CPU or with CUDA."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="torch",
    runtime=__name__ + ".runtime",
    formats=("torchscript", "exported"),
    precisions=("f32", "tf32", "f16", "bf16"),
    options={
        "device": BackendOption("cpu", ("cpu", "cuda"), words="never one for the other"),
        "mode": BackendOption(
            "eager",
            ("eager", "compile", "cuda-graphs"),
            words="the module as saved, compiled for one shape, or captured and replayed on a GPU",
        ),
        "channels_last": BackendOption(False, words="memory format of weights and 4-D inputs"),
        "interop_threads": BackendOption(
            1, least=1, words="how many tasks run at once that a module forks"
        ),
    },
    gpu=("cuda",),
    distributions=("torch",),
    locks=(LockFile("torch", "torch"),),  # some gigabytes with its CUDA: only where it is named
)
