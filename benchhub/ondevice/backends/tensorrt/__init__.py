"""TensorRT, on NVIDIA's GPUs."""

from benchhub.ondevice.backends import BackendOption, Description

BACKEND = Description(
    name="tensorrt",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32", "tf32", "f16", "bf16"),
    options={
        "device_id": BackendOption(0, least=0, words="the number of the GPU"),
        "workspace_mib": BackendOption(
            0, least=0, words="scratch memory a layer may use; 0: all there is"
        ),
    },
    gpu=("tensorrt",),
    gpu_vendor="NVIDIA",
    distributions=("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu13-bindings"),
    # What package registries have under these names fetches the library from elsewhere.
    by_hand="install NVIDIA's TensorRT with its Python package (JetPack has it), and set"
    " device.python to the Python that imports it",
)
