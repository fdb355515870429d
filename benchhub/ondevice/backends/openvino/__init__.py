"""OpenVINO, on its CPU, GPU or NPU plugin."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="openvino",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32", "f16", "bf16"),
    options={
        "device": BackendOption("CPU", ("CPU", "GPU", "NPU", "AUTO")),
        "hint": BackendOption("latency", ("latency", "throughput", "none")),
        "streams": BackendOption(0),
    },
    profiles=True,
    gpu=("gpu",),
    distributions=("openvino",),
    locks=(LockFile("openvino", "openvino"),),
    provisioned=True,
)
