"""ONNX Runtime, on the execution provider that a suite asks for."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="onnxruntime",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32", "tf32"),
    precision_needs={"tf32": ("provider", "cuda")},
    options={
        "provider": BackendOption("cpu", ("cpu", "cuda", "tensorrt", "openvino", "acl", "xnnpack")),
        "device_id": BackendOption(0),
    },
    profiles=True,
    gpu=("cuda", "tensorrt"),
    distributions=("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    locks=(LockFile("onnxruntime", "onnxruntime"),),
    provisioned=True,
)
