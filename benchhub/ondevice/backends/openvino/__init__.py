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
        "streams": BackendOption(0, least=0, words="calls served at once; 0: as many as are made"),
        "execution_mode": BackendOption(
            "performance",
            ("performance", "accuracy"),
            words="whether it may compute in less than the precision of the model",
        ),
        "scheduling_core_type": BackendOption(
            "any", ("any", "pcore", "ecore"), words="the kind of cores it takes, of several kinds"
        ),
        "hyper_threading": BackendOption(
            "default", ("default", "on", "off"), words="whether both threads of a core are taken"
        ),
        "pinning": BackendOption(
            "default", ("default", "on", "off"), words="whether threads stay on their cores"
        ),
    },
    profiles=True,
    gpu=("gpu",),
    distributions=("openvino",),
    locks=(LockFile("openvino", "openvino"),),
    provisioned=True,
)
