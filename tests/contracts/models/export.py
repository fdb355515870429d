"""Write the small TFLite files of the tests; run like suites/quickstart/export_tflite.py.

    .tox/export/bin/python tests/contracts/models/export.py

tiny: the network that test_backends.py writes as ONNX, in float32 and with int8 inputs and
outputs. depthwise: a network of a depthwise convolution and a linear head, as ONNX, in float32 and
with dynamic range and a scale a channel, whose head tflite-runtime 2.14 computes wrongly without
an error. Seeded: the same versions write the same bytes.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "suites" / "quickstart"))

from export_tflite import check, convert, open_batch, quantize  # noqa: E402


class Tiny(nn.Module):
    """Convolution 3x3 > relu > global average: (N, 3, 12, 12) to (N, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1, bias=False)
        weights = np.random.default_rng(7).normal(size=(5, 3, 3, 3)).astype(np.float32)
        self.conv.weight.data = torch.from_numpy(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        return torch.relu(self.conv(x)).mean((2, 3))


class Depthwise(nn.Module):
    """Depthwise 3x3 > relu > global average > linear: (N, 8, 8, 8) to (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 3)
        # Rows of different size have scales of their own when quantized by channels.
        self.head.weight.data *= torch.tensor([[0.1], [1.0], [10.0]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        return self.head(torch.relu(self.each(x)).mean((2, 3)))


def write(net: nn.Module, name: str, shape: tuple[int, ...], recipes: tuple[str, ...]) -> None:
    """Write `net` as ONNX, and as TFLite in float32 (`name`) and by each recipe; compare them."""
    images = np.random.default_rng(11).normal(size=(64, *shape)).astype(np.float32)
    source = HERE / f"{name}.onnx"
    torch.onnx.export(
        net.eval(),
        (torch.from_numpy(images[:1]),),
        str(source),
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    base = convert(net, "scores", shape)
    for recipe in ("fp32", *recipes):
        cases = [{"image": images[row : row + 1]} for row in range(len(images))]
        model = open_batch(base if recipe == "fp32" else quantize(base, recipe, cases))
        error = check(model, source, images, exact=recipe == "fp32")
        path = HERE / f"{name if recipe == 'fp32' else f'{name}-{recipe}'}.tflite"
        path.write_bytes(model)
        digest = hashlib.sha256(model).hexdigest()
        print(f"{path.name}: {len(model)} bytes, relative error {error:.2g}, sha256 {digest}")


if __name__ == "__main__":
    torch.manual_seed(3)
    write(Tiny(), "tiny", (3, 12, 12), ("int8",))
    (HERE / "tiny.onnx").unlink()  # subjects.py writes the same
    write(Depthwise(), "depthwise", (8, 8, 8), ("int8-dynamic-channels",))
