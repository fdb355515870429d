"""Multiply-accumulates of torch files, beside those of their ONNX twins and counts by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchhub.compress.files.counting.torch_calls import counted
from benchhub.compress.files.look import inspect_model, with_macs
from benchhub.compress.files.torch_archive import save_exported, save_torchscript

pytestmark = pytest.mark.usefixtures("torch")


class _Mixed(nn.Module):
    """Convolutions, recurrent layers, attention in two forms, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ConvTranspose2d(8, 4, 2, stride=2),
        )  # fmt: skip
        self.lstm = nn.LSTM(4, 6, batch_first=True)
        self.gru = nn.GRU(6, 6, batch_first=True, bidirectional=True)
        self.norm, self.out = nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rows = self.body(image).flatten(2).transpose(1, 2)
        rows = self.norm(self.gru(self.lstm(rows)[0])[0])
        mixed = nn.functional.scaled_dot_product_attention(rows, rows, rows)
        return self.out(mixed.mean(1))


#: Of 8 x 8 pixels: by hand.
MIXED = (
    27 * 8 * 64  # the convolution
    + 9 * 8 * 16  # by channel
    + 8 * 4 * 64  # transposed: each of 16 pixels goes to four
    + 64 * 24 * (4 + 6)
    + 64 * 2 * 18 * (6 + 6)
    + 2 * 64 * 64 * 12
    + 12 * 5
)


def twin(net: nn.Module, example: torch.Tensor, path: Path) -> Path:
    torch.onnx.export(
        net, (example,), str(path), input_names=["image"], opset_version=17, dynamo=False,
        dynamic_axes={"image": {0: "batch"}},
    )  # fmt: skip
    return path


def test_torch_files_count_what_their_onnx_twin_does(tmp_path: Path) -> None:
    net, image = _Mixed().eval(), torch.zeros(2, 3, 8, 8)
    save_torchscript(net, {"image": image}, ["y"], tmp_path / "m.pt")
    save_exported(net, {"image": image}, ["y"], tmp_path / "m.pt2")
    assert inspect_model("v", twin(net, image, tmp_path / "m.onnx")).macs == MIXED
    case = {"image": np.zeros((1, 3, 8, 8), np.float32)}
    for name, kind in (("m.pt", "torchscript"), ("m.pt2", "exported")):
        assert counted(str(tmp_path / name), kind, case) == (2 * MIXED, []), kind


def exported(net: nn.Module, path: Path, *examples: Any) -> dict[str, Any]:
    program = torch.export.export(net.eval(), examples)
    torch.export.save(program, str(path))
    names = [str(name) for name in program.graph_signature.user_inputs]
    return {name: one.numpy() for name, one in zip(names, examples, strict=True)}


class _Sums(nn.Module):
    """What torch's table does not know: two vectors, and a distance of all to all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cdist(x, x).sum(1) + torch.fft.rfft(x).abs().sum()


def test_what_cannot_be_told_is_named_and_not_zero(tmp_path: Path) -> None:
    arrays = exported(_Sums(), tmp_path / "m.pt2", torch.rand(4, 3))
    flops, unknown = counted(str(tmp_path / "m.pt2"), "exported", arrays)
    assert (flops, unknown) == (0, ["aten._cdist_forward", "aten._fft_r2c"])


@pytest.mark.usefixtures("processes")
def test_a_fixed_batch_is_of_as_many_cases(tmp_path: Path) -> None:
    arrays = exported(nn.Linear(6, 5), tmp_path / "m.pt2", torch.zeros(4, 6))
    variant = with_macs(inspect_model("v", tmp_path / "m.pt2"), arrays)
    assert (variant.macs, variant.uncounted) == (30, ())


@pytest.mark.usefixtures("processes")
def test_why_nothing_is_counted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = exported(nn.Linear(6, 5), tmp_path / "m.pt2", torch.zeros(4, 6))
    variant = inspect_model("v", tmp_path / "m.pt2")
    assert variant.uncounted == ("forward of unknown shape",)
    assert with_macs(variant, {}).uncounted == ("forward (its input input is not known)",)
    wide = {name: np.zeros((4, 7), np.float32) for name in arrays}
    (told,) = with_macs(variant, wide).uncounted
    assert told.startswith("forward (it does not run here: ")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = with_macs(variant, arrays)
    assert (found.macs, found.uncounted) == (None, ("forward (torch is not installed here)",))
