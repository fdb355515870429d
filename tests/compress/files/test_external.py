"""Models whose weights lie in files of their own, against the same models in one file."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress.files.external import array_of, count_nonzero, in_one_file
from benchhub.compress.files.look import inspect_model
from benchhub.config.folders import placed
from benchhub.errors import ConfigError
from benchhub.model.cell import Variant
from benchhub.store.stored.variant import read_variant, write_variant

Save = Callable[..., Path]


def two_products() -> onnx.ModelProto:
    """(N, 8) > product with (8, 64), its first row zero > product with (64, 3) > (N, 3)."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(8, 64)).astype(np.float32)
    first[0] = 0
    second = rng.normal(size=(64, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "first"], ["between"]),
            helper.make_node("MatMul", ["between", "second"], ["y"]),
        ],
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save the model, its weights in one further file or (`location` None) in one each."""

    def saved(location: str | None = "model.onnx.data", folder: str = "a") -> Path:
        path = tmp_path / folder / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        onnx.save(
            two_products(),
            path,
            save_as_external_data=True,
            all_tensors_to_one_file=location is not None,
            location=location,
            size_threshold=0,
        )
        return path

    return saved


def whole(tmp_path: Path) -> Variant:
    onnx.save(two_products(), tmp_path / "whole.onnx")
    return inspect_model("whole", tmp_path / "whole.onnx")


def refused(path: Path, *wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        inspect_model("v", path)
    assert "\n" not in str(caught.value)
    for text in ("variant v", *wanted):
        assert text in str(caught.value)


def rewritten(path: Path, **entries: str) -> Path:
    """Change what the first weight says of its place, in the file alone."""
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = entries.get(entry.key, entry.value)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("location", ["model.onnx.data", None], ids=["one", "several"])
def test_the_same_facts_as_in_one_file(save: Save, tmp_path: Path, location: str | None) -> None:
    path, single = save(location), whole(tmp_path)
    variant = inspect_model("v", path)
    there = sorted(file.name for file in path.parent.iterdir())
    assert sorted(file.name for file in variant.files) == there
    assert variant.files[0].name == "model.onnx"
    for file in variant.files:
        content = (path.parent / file.name).read_bytes()
        assert (file.sha256, file.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert variant.model_bytes == sum(file.size_bytes for file in variant.files)
    for fact in ("inputs", "outputs", "params", "nonzero_params", "macs"):
        assert getattr(variant, fact) == getattr(single, fact), fact
    assert variant.nonzero_params == 8 * 64 + 64 * 3 - 64
    assert single.sparse_bytes is not None
    assert variant.sparse_bytes is not None
    saved = single.model_bytes - single.sparse_bytes
    assert variant.model_bytes - variant.sparse_bytes == saved
    assert variant.gzip_bytes is not None
    assert 0 < variant.gzip_bytes < 1.2 * variant.model_bytes


def test_a_model_in_one_file_keeps_its_identity(tmp_path: Path) -> None:
    single = whole(tmp_path)
    assert single.files == ()
    assert single.sha256 == hashlib.sha256(single.path.read_bytes()).hexdigest()


def test_what_identity_depends_on(save: Save) -> None:
    path = save()
    before = inspect_model("v", path)
    assert inspect_model("v", save(folder="b")).sha256 == before.sha256
    assert inspect_model("v", path.rename(path.with_name("other.onnx"))).sha256 == before.sha256
    with (path.parent / "model.onnx.data").open("r+b") as file:
        file.seek(300)
        file.write(b"\1\2\3\4")
    changed = inspect_model("v", path.with_name("other.onnx"))
    assert changed.model_bytes == before.model_bytes
    assert changed.sha256 != before.sha256


def test_the_store_keeps_the_files(save: Save) -> None:
    variant = dataclasses.replace(inspect_model("v", save(None)), gzip_bytes=None)
    assert read_variant(write_variant(variant)) == variant


def test_a_missing_data_file_is_named(save: Save) -> None:
    path = save()
    (path.parent / "model.onnx.data").unlink()
    refused(path, "model.onnx.data", "no such file", "copy that file there too")


def test_a_data_file_cut_short(save: Save) -> None:
    path = save()
    data = path.parent / "model.onnx.data"
    data.write_bytes(data.read_bytes()[:-4])
    refused(path, "up to byte 2816", "which has 2812", "cut short")


@pytest.mark.parametrize(
    "location", ["../model.onnx.data", "/etc/passwd", "a/../../b", "", "..\\b"],
    ids=["above", "absolute", "roundabout", "nowhere", "backslash"],
)  # fmt: skip
def test_paths_outside_the_folder(save: Save, location: str) -> None:
    path = rewritten(save(), location=location)
    refused(path, repr(location), "outside its own folder", "first")


@pytest.mark.parametrize(
    "entries", [{"length": "12"}, {"offset": "-8"}, {"offset": "x"}], ids=["short", "less", "text"]
)
def test_places_that_make_no_sense(save: Save, entries: dict[str, str]) -> None:
    refused(rewritten(save(), **entries), "does not say where weight first lies")


def test_recipes_get_one_file(save: Save, tmp_path: Path) -> None:
    variant = inspect_model("v", save(None))
    copy = in_one_file(variant, tmp_path)
    assert onnx.load(copy, load_external_data=False) == onnx.load(variant.path)
    large = dataclasses.replace(variant, model_bytes=3 << 30)
    with pytest.raises(ConfigError, match=r"has 3\.2 GB of weights.*name the result in `model`"):
        in_one_file(large, tmp_path)
    single = whole(tmp_path)
    assert in_one_file(single, tmp_path) == single.path


def test_counting_in_pieces_is_counting() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 5, (1500, 1 << 12)).astype(np.uint8)
    points = rng.integers(0, 5, (1500, 1)).astype(np.uint8)
    along = rng.integers(0, 5, 1 << 12).astype(np.uint8)
    for zero in (0, 3, points, along):
        assert count_nonzero(values, zero) == int((values != zero).sum())


_LOOK = """
import resource, sys
from pathlib import Path
import onnx, numpy
import benchhub.compress.files.onnx
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from benchhub.compress.files.look import inspect_model
variant = inspect_model("v", Path(sys.argv[1]))
print(variant.params, variant.nonzero_params, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
      - before)
"""


@pytest.mark.usefixtures("processes")
def test_large_weights_are_never_held_whole(tmp_path: Path) -> None:
    elements = 40 << 20
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(4 * elements)  # a file of holes: all zero
        file.seek(0)
        file.write(np.ones(5, np.float32).tobytes())
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[elements // 4, 4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="w.bin")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["w", "x"], ["y"])],
        "table",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["N"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    told = subprocess.run(
        [sys.executable, "-c", _LOOK, str(tmp_path / "m.onnx")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    params, nonzero, grown = map(int, told.split())
    assert (params, nonzero) == (elements, 5)
    unit = 1 if sys.platform == "darwin" else 1024
    assert grown * unit < 4 * elements // 2


def test_files_of_a_download_cache_are_links(save: Save, tmp_path: Path) -> None:
    path, single = save(), whole(tmp_path)
    blobs, snapshot = tmp_path / "cache" / "blobs", tmp_path / "cache" / "snapshot"
    blobs.mkdir(parents=True)
    snapshot.mkdir()
    for index, file in enumerate(sorted(path.parent.iterdir())):
        blob = file.rename(blobs / f"{index:040x}")
        (snapshot / file.name).symlink_to(blob)
    linked = inspect_model("v", Path(placed(snapshot / "model.onnx")))
    assert linked.path.name == "model.onnx"
    assert (linked.params, linked.nonzero_params, linked.macs) == (
        single.params, single.nonzero_params, single.macs,
    )  # fmt: skip
    (tmp_path / "made").mkdir()
    made = onnx.load(in_one_file(linked, tmp_path / "made"))
    for found, wanted in zip(made.graph.initializer, two_products().graph.initializer, strict=True):
        assert np.array_equal(numpy_helper.to_array(found), numpy_helper.to_array(wanted))


def test_several_elements_in_a_byte_are_read_without_a_length(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"\xff\xff\xff\xff\x01\x0e")
    tensor = onnx.TensorProto(
        name="w", data_type=TensorProto.INT4, dims=[3], data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", "./w.bin"), ("offset", "4")):
        tensor.external_data.add(key=key, value=value)
    assert array_of(tensor, tmp_path).astype(np.int8).tolist() == [1, 0, -2]
