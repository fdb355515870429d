"""TensorFlow Lite: ai-edge-litert, or tflite-runtime where that is what there is."""

from benchhub.ondevice.backends import BackendOption, Description, LockFile

BACKEND = Description(
    name="tflite",
    runtime=__name__ + ".runtime",
    formats=("tflite",),
    precisions=("f32",),
    options={"xnnpack": BackendOption(True)},
    distributions=("ai-edge-litert", "tflite-runtime"),
    names_distribution=True,
    locks=(LockFile("tflite", "ai-edge-litert"), LockFile("tflite-runtime", "tflite-runtime")),
    provisioned=True,
)
