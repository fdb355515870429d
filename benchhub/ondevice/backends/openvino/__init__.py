"""OpenVINO, on its CPU, GPU or NPU plugin."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="openvino",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32", "f16", "bf16"),
    options={
        "device": BackendOption("CPU", ("CPU", "GPU", "NPU", "AUTO"), words="the plugin"),
        "hint": BackendOption(
            "latency", ("latency", "throughput", "none"), words="OpenVINO's performance hint"
        ),
        "streams": BackendOption(0, words="calls served at once; 0: as many as are made"),
    },
    profiles=True,
    gpu=("gpu",),
    distributions=("openvino",),
    locks=(LockFile("openvino", "openvino"),),
    provisioned=True,
)
