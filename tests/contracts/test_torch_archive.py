"""What the controller reads of PyTorch's artifacts, and what it writes into them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from models_torch import Tiny, build_tiny_exported, build_tiny_torchscript
from repository import ROOT
from subjects import expected_scores, images

from benchhub.compress.files import torch_archive
from benchhub.compress.files.torch import inspect_torch
from benchhub.errors import ConfigError
from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions

pytestmark = pytest.mark.usefixtures("torch")

each_format = pytest.mark.parametrize("kind", ["torchscript", "exported"])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("torch")
    return {
        "torchscript": str(build_tiny_torchscript(folder / "script")),
        "exported": str(build_tiny_exported(folder / "program")),
    }


@each_format
@pytest.mark.usefixtures("processes")
def test_controller_reads_the_archive_without_torch(models: dict[str, str], kind: str) -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from benchhub.compress.files.torch import inspect_torch\n"
        "v = inspect_torch('t', Path(sys.argv[1]))\n"
        "print(v.format, v.inputs[0].name, v.inputs[0].shape, v.outputs[0].name, v.params)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, models[kind]],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.split("\n")[0] == f"{kind} image (None, 3, 12, 12) scores 135"


@pytest.mark.usefixtures("processes")
def test_controller_asks_torch_about_a_bare_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    path = build_tiny_exported(tmp_path / "bare.pt2", manifest=None)
    found = inspect_torch("bare", path)
    assert (found.format, found.params) == ("exported", 135)
    assert found.inputs[0].shape == (None, 3, 12, 12)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match="torch is not installed here"):
        inspect_torch("bare", path)


def test_controller_refuses_what_is_no_model(tmp_path: Path) -> None:

    checkpoint = tmp_path / "weights.pt"
    torch.save(Tiny().state_dict(), checkpoint)
    with pytest.raises(ConfigError, match="a checkpoint holds weights only"):
        inspect_torch("w", checkpoint)
    bare = build_tiny_torchscript(tmp_path / "bare.pt", manifest=None)
    with pytest.raises(ConfigError, match="shapes are unknown"):
        inspect_torch("w", bare)
    broken = build_tiny_torchscript(tmp_path / "broken.pt", manifest='{"inputs": 3}')
    with pytest.raises(ConfigError, match=r"benchhub\.json in .*: not a list"):
        inspect_torch("w", broken)
    with pytest.raises(ConfigError, match="cannot read model"):
        inspect_torch("w", tmp_path / "absent.pt")


@each_format
def test_saved_artifacts_agree_with_the_module(tmp_path: Path, kind: str) -> None:

    save = {
        "torchscript": torch_archive.save_torchscript,
        "exported": torch_archive.save_exported,
    }[kind]
    path = tmp_path / "saved"
    save(Tiny(), {"image": torch.zeros(2, 3, 12, 12)}, ["scores"], path, 77)
    variant = inspect_torch("saved", path)
    assert (variant.format, variant.macs, variant.params) == (kind, 77, 135)
    assert variant.outputs[0].shape == (None, 5)
    session = backends.find("torch").load(str(path), LoadOptions(kind))
    (found,) = session.run(images(1))
    np.testing.assert_allclose(found, expected_scores(images(1)), rtol=1e-4, atol=1e-5)


class Worded(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """Takes keywords, a table of tensors and a number; returns a table, of which one is None."""

    def forward(
        self, image: torch.Tensor, *, more: dict[str, torch.Tensor], times: int
    ) -> dict[str, torch.Tensor | None]:
        found = image.mean((2, 3)) * more["by"] * times
        return {"scores": found, "hidden": None, "again": found + more["plus"]}


@pytest.mark.usefixtures("processes")
def test_a_program_is_called_as_it_was_exported(tmp_path: Path) -> None:
    image, more = torch.rand(1, 3, 4, 4), {"by": torch.rand(1), "plus": torch.rand(3)}
    program = torch.export.export(Worded(), (image,), {"more": more, "times": 3})
    torch.export.save(program, str(tmp_path / "worded.pt2"))
    variant = inspect_torch("worded", tmp_path / "worded.pt2")
    assert [(one.name, one.shape) for one in variant.inputs] == [
        ("image", (1, 3, 4, 4)), ("more_by", (1,)), ("more_plus", (3,)),
    ]  # fmt: skip
    assert len(variant.outputs) == 2
    session = backends.find("torch").load(str(variant.path), LoadOptions(format="exported"))
    arrays = (image.numpy(), more["by"].numpy(), more["plus"].numpy())
    feeds = dict(zip([one.name for one in session.inputs], arrays, strict=True))
    wanted = Worded()(image, more=more, times=3)
    found = session.run(feeds)
    for one, name in zip(found, ("scores", "again"), strict=True):
        np.testing.assert_allclose(one, wanted[name].numpy(), rtol=1e-6)


class Counting(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, int]:
        return image + 1, 3


@pytest.mark.usefixtures("processes")
def test_programs_that_cannot_be_measured_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Counting(), (torch.rand(2),)), str(path))
    with pytest.raises(ConfigError, match=r"model\.pt2: 3 of its outputs is no tensor; export"):
        inspect_torch("v", path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"{}" if name.endswith(".json") else content)
    with pytest.raises(ConfigError, match="not an exported program that can be opened") as told:
        inspect_torch("v", path)
    assert "\n" not in str(told.value)
