"""ONNX Runtime, on the execution provider that a suite asks for."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="onnxruntime",
    runtime=__name__ + ".runtime",
    formats=("onnx",),
    precisions=("f32", "tf32"),
    precision_needs={"tf32": ("provider", "cuda")},
    options={
        "provider": BackendOption(
            "cpu",
            ("cpu", "cuda", "tensorrt", "openvino", "acl", "xnnpack"),
            words="the execution provider; another one is never taken in its place",
        ),
        "device_id": BackendOption(
            0, least=0, words="the number of the GPU, of providers that have one"
        ),
        "graph_optimization_level": BackendOption(
            "all", ("disable", "basic", "extended", "all"), words="how far graphs are rewritten"
        ),
        "execution_mode": BackendOption(
            "sequential", ("sequential", "parallel"), words="whether branches run at once"
        ),
        "inter_op_threads": BackendOption(
            1, least=1, needs=("execution_mode", "parallel"), words="how many branches run at once"
        ),
        "allow_spinning": BackendOption(
            True, words="whether idle threads wait for work by turning; xnnpack's never do"
        ),
        "arena": BackendOption(True, words="whether the CPU's memory is kept between calls"),
    },
    profiles=True,
    gpu=("cuda", "tensorrt"),
    distributions=("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    locks=(LockFile("onnxruntime", "onnxruntime"),),
    provisioned=True,
)
