"""TorchScript files say nothing of their inputs, and are measured all the same."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchhub.compress.files.look import inspect_model
from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import shape_sweep
from benchhub.run.inputs.fed import arranged, given_to
from benchhub.run.inputs.signature import signature
from benchhub.run.inputs.torchscript import signed, with_signature


def write(path: Path) -> Path:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)
            self.table = torch.nn.Embedding(10, 4)

        def forward(self, image: torch.Tensor, token_ids: torch.Tensor) -> torch.Tensor:
            return self.conv(image).mean((2, 3)) + self.table(token_ids).mean(1)

    torch.jit.script(Net().eval()).save(str(path))  # type: ignore[no-untyped-call]
    return path


@pytest.mark.usefixtures("processes")
def test_weights_count_once_frozen_or_tied_and_are_unknown_where_they_are_packed(
    tmp_path: Path, torch: None
) -> None:
    import torch

    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(10, 4)
            self.last = torch.nn.Linear(4, 10)
            self.last.weight = self.table.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.last(self.table(ids)) + 0.5

    net, ids = Tied().eval(), torch.zeros(1, 5, dtype=torch.long)
    jit: Any = torch.jit
    traced = jit.trace(net, ids)
    packed = torch.ao.quantization.quantize_dynamic(
        Tied().eval(), {torch.nn.Linear}, dtype=torch.qint8
    )
    torch.export.save(torch.export.export(net, (ids,)), str(tmp_path / "exported.pt2"))
    assert inspect_model("exported", tmp_path / "exported.pt2").params == 10 * 4 + 10
    for name, module, params in (
        ("traced", traced, 10 * 4 + 10),
        ("frozen", jit.freeze(traced), 10 * 4 + 10),
        ("packed", jit.trace(packed, ids), None),
    ):
        path = tmp_path / f"{name}.pt"
        jit.save(module, str(path))
        made = signed(path, shape_sweep(["ids=1x5"]), tmp_path / "cache")
        variant = inspect_model(name, made)
        assert (variant.params, variant.nonzero_params) == (params, params)


def test_a_copy_says_what_goes_in_and_what_comes_out(tmp_path: Path, torch: None) -> None:
    path = write(tmp_path / "net.pt")
    sweep = shape_sweep(["image=1x3x8x8,1x3x16x8", "token_ids=1x5"])
    made = signed(path, sweep, tmp_path / "cache")
    variant = inspect_model("net", made)
    assert [(one.name, one.dtype, one.shape) for one in variant.inputs] == [
        ("image", "float32", (None, 3, None, 8)), ("token_ids", "int64", (None, 5)),
    ]  # fmt: skip
    assert variant.params == 3 * 4 * 9 + 4 + 10 * 4
    assert with_signature(made, sweep, tmp_path / "other") == made
    again = signed(path, sweep, tmp_path / "again")
    assert inspect_model("net", again).sha256 == variant.sha256


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([], r"write them, for example --shape image=1x3x224x224 --shape token_ids=1x16$"),
        (["image=1x3x8x8"], r"write them, for example --shape token_ids="),
        (
            ["image=1x3x99999999x99999", "token_ids=1x5"],
            r"image of 1x3x99.* GiB of memory are free",
        ),
        (["image=1x4x8x8", "token_ids=1x5"], r"does not run at image 1x4x8x8, token_ids 1x5"),
    ],
)
def test_what_is_not_said_or_does_not_fit_is_one_line(
    tmp_path: Path, shapes: list[str], match: str, torch: None
) -> None:
    path = write(tmp_path / "net.pt")
    with pytest.raises(ConfigError, match=match) as refused:
        signed(path, shape_sweep(shapes), tmp_path / "cache")
    assert "\n" not in str(refused.value)


def write_scaled(path: Path) -> Path:
    import torch

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.filters = torch.nn.Conv1d(2, 4, 400)

        def forward(
            self, sound: torch.Tensor, words: torch.Tensor, times: int, by: float
        ) -> torch.Tensor:
            return self.filters(sound).mean((1, 2)) * by + words.sum(1) * times

    torch.jit.script(Scaled().eval()).save(str(path))  # type: ignore[no-untyped-call]
    return path


def test_given_arrays_say_shapes_and_types_and_numbers_are_arguments_too(
    tmp_path: Path, torch: None
) -> None:
    path, cases = write_scaled(tmp_path / "scaled.pt"), tmp_path / "cases.npz"
    sound, words = np.ones((3, 2, 500), np.float32), np.arange(12, dtype=np.int64).reshape(3, 4)
    np.savez(cases, sound=sound, words=words, times=3, by=0.5)
    variant = inspect_model("s", signed(path, shape_sweep([]), tmp_path / "c", cases))
    assert [(one.name, one.dtype, one.shape) for one in variant.inputs] == [
        ("sound", "float32", (None, 2, 500)), ("words", "int64", (None, 4)),
        ("times", "int64", ()), ("by", "float64", ()),
    ]  # fmt: skip
    fed = given_to(arranged(variant, signature(variant)), signature(variant), cases, 2)
    assert {name: array.shape for name, array in fed.inputs.items()} == {
        "sound": (3, 2, 500), "words": (3, 4), "times": (), "by": (),
    }  # fmt: skip
    assert fed.sized.batch == 2
    with pytest.raises(ConfigError, match=r"times is a number \(int\); give it.*--inputs FILE.npz"):
        signed(path, shape_sweep(["sound=1x2x500"]), tmp_path / "c")
    np.savez(cases, sound=sound, words=words, times=3)
    with pytest.raises(ConfigError, match=r"no array for input 'by' of scaled.pt"):
        signed(path, shape_sweep([]), tmp_path / "c", cases)


def test_what_a_message_suggests_is_what_the_weights_take(tmp_path: Path, torch: None) -> None:
    import torch as library

    net = library.nn.Sequential(library.nn.Conv1d(2, 4, 400), library.nn.Flatten())
    path = tmp_path / "sound.pt"
    library.jit.script(net.eval()).save(str(path))  # type: ignore[no-untyped-call]
    with pytest.raises(ConfigError, match=r"for example --shape (\w+)=1x2x16000$") as told:
        signed(path, shape_sweep([]), tmp_path / "c")
    said = str(told.value).rpartition("--shape ")[2]
    assert signed(path, shape_sweep([said]), tmp_path / "c") != path


@pytest.mark.usefixtures("processes")
def test_a_file_is_opened_in_a_process_that_it_may_end(tmp_path: Path, torch: None) -> None:
    path = write(tmp_path / "net.pt")
    sweep = shape_sweep(["image=1x3x8x8", "token_ids=1x5"])
    made = with_signature(path, sweep, tmp_path / "cache")
    assert made != path
    assert inspect_model("net", made).params == 3 * 4 * 9 + 4 + 10 * 4
    with pytest.raises(ConfigError, match=r"write them, for example --shape token_ids="):
        with_signature(path, shape_sweep(["image=1x3x8x8"]), tmp_path / "cache")
    with zipfile.ZipFile(path) as held, zipfile.ZipFile(tmp_path / "broken.pt", "w") as broken:
        for one in held.namelist():
            broken.writestr(one, b"" if one.endswith("data.pkl") else held.read(one))
    with pytest.raises(ConfigError, match=r"broken.pt: torch cannot open it") as told:
        with_signature(tmp_path / "broken.pt", sweep, tmp_path / "cache")
    assert "\n" not in str(told.value)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"\x08\x08")
    assert with_signature(other, shape_sweep([]), tmp_path / "cache") == other


def modules() -> list[tuple[Any, int]]:
    """Modules, and how many tensors each returns."""
    import torch

    class Table(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"a": x, "b": x + 1}

    class Nested(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
            return x, [x, x + 1]

    class Size(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> int:
            return x.size(0)

    jit: Any = torch.jit
    return [(jit.script(Table()), 2), (jit.script(Nested()), 3), (jit.script(Size()), 0)]


def test_what_is_returned_is_taken_as_a_launch_takes_it(tmp_path: Path, torch: None) -> None:
    for number, (module, outputs) in enumerate(modules()):
        path = tmp_path / f"{number}.pt"
        module.save(str(path))
        if outputs:
            made = signed(path, shape_sweep(["x=1x3"]), tmp_path / "c")
            assert len(inspect_model("net", made).outputs) == outputs
            continue
        with pytest.raises(ConfigError, match="the model returned a int, not tensors; save a"):
            signed(path, shape_sweep(["x=1x3"]), tmp_path / "c")


@pytest.mark.usefixtures("processes")
def test_a_file_that_torch_cannot_read_is_one_line(tmp_path: Path, torch: None) -> None:
    path = write(tmp_path / "net.pt")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"\x80\x02." if name.endswith("data.pkl") else content)
    with pytest.raises(ConfigError, match="torch cannot open it: ") as told:
        with_signature(path, shape_sweep(["image=1x3x8x8"]), tmp_path / "c")
    assert "\n" not in str(told.value)
