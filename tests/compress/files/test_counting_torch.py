"""A torch network's own FLOP counter against the count of its ONNX export."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchhub.compress.files.look import inspect_model

pytestmark = pytest.mark.usefixtures("torch")


class _Attending(nn.Module):
    """Convolutions of several kinds, attention by hand, and linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(8, 8, 3, groups=8, padding=1),
            nn.ConvTranspose2d(8, 4, 2, stride=2),
        )
        self.into = nn.Linear(4 * 16, 3 * 32)
        self.out = nn.Linear(32, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found = self.body(image)
        rows = found.permute(0, 2, 1, 3).reshape(image.shape[0], image.shape[2], -1)
        query, key, value = self.into(rows).chunk(3, dim=-1)
        scores = torch.softmax(query @ key.transpose(1, 2) / 32**0.5, dim=-1)
        return self.out((scores @ value).mean(1))


def test_torch_counts_the_same_of_its_network(tmp_path):
    net, image = _Attending().eval(), torch.zeros(1, 3, 16, 16)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(image)
    path = tmp_path / "net.onnx"
    torch.onnx.export(
        net,
        (image,),
        str(path),
        input_names=["image"],
        dynamic_axes={"image": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    variant = inspect_model("v", path)
    assert 2 * variant.macs == counter.get_total_flops()
    assert variant.params == sum(parameter.numel() for parameter in net.parameters())
