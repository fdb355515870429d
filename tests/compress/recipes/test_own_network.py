"""`prune-network`: a torch network of one's own, from the function that builds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from project import write_model
from repository import ROOT
from typer.testing import CliRunner

from benchhub.cli import app
from benchhub.errors import BenchhubError, ConfigError, RecipeFailed

pytestmark = pytest.mark.usefixtures("torch", "processes")

PAGE = (ROOT / "docs" / "how-to" / "compress.md").read_text("utf-8")
PAGE = PAGE.partition("## Pruning a torch network of your own")[2]
#: The page's own example.
NET, SUITE = (PAGE.partition(f"```{kind}\n")[2].partition("```")[0] for kind in ("python", "toml"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network, its weights and cases whose label is the brightest channel; the work is there."""
    import torch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(NET)
    scope: dict[str, Any] = {"__name__": "net"}
    exec(NET, scope)
    torch.manual_seed(3)
    net = scope["build"]()
    net.norm.running_mean.uniform_(-0.1, 0.1)
    torch.save(net.state_dict(), tmp_path / "net.pt")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, size=96)
    images = rng.normal(size=(96, 3, 8, 8)).astype(np.float32)
    images[np.arange(96), labels] += 2
    np.savez(tmp_path / "cases.npz", image=images, labels=labels)
    return tmp_path


def compress(**options: object) -> dict[str, Any]:
    """What `benchhub compress` says of the variant it made here."""
    usual = {"network": "net.py:build", "weights": "net.pt", "data": "cases.npz"}
    argv = ["compress", "--recipe", "prune-network", "--json"]
    for name, value in {**usual, **options}.items():
        argv += ["--option", f"{name}={value}"]
    done = CliRunner().invoke(app, argv, catch_exceptions=True)
    if isinstance(done.exception, BenchhubError):
        raise done.exception
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads((Path("prune-network.json")).read_text())
    return told


def held(name: str = "cases.npz") -> dict[str, Any]:
    with np.load(name) as archive:
        return dict(archive)


def answers(path: Path, images: Any) -> Any:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def widths(path: Path) -> dict[str, tuple[int, ...]]:
    return {one.name: tuple(one.dims) for one in onnx.load(str(path)).graph.initializer}


def refused(**options: object) -> str:
    with pytest.raises((ConfigError, RecipeFailed)) as caught:
        compress(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_ratio_of_0_is_the_network_itself(folder: Path) -> None:
    import torch

    compress(ratio=0)
    scope: dict[str, Any] = {"__name__": "net"}
    exec(NET, scope)
    net = scope["build"]().eval()
    net.load_state_dict(torch.load(folder / "net.pt", weights_only=True))
    images = held()["image"]
    with torch.no_grad():
        wanted = net(torch.from_numpy(images)).numpy()
    found = answers(folder / "prune-network.onnx", images)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_channels_go_together_over_a_residual_and_the_head_stays(folder: Path) -> None:
    told = compress(ratio=0.5)
    found = widths(folder / "prune-network.onnx")
    assert found["stem.weight"] == (8, 3, 3, 3)
    assert found["body.weight"] == (8, 8, 3, 3)
    assert found["classes.weight"] == (4, 8)
    facts = json.dumps(told)
    assert '"heads": "classes"' in facts
    params = 8 * 27 + 8 + 4 * 8 + 8 * 72 + 8 + 4 * 8 + 4
    assert f'"params": "{params}"' in facts


def test_fine_tuning_learns_from_the_labels(folder: Path) -> None:
    compress(ratio=0.5, finetune_epochs=12, learning_rate=0.02)
    known = held()
    found = answers(folder / "prune-network.onnx", known["image"]).argmax(axis=1)
    assert (found == known["labels"]).mean() > 0.9
    logs = json.loads(next((folder / "cache").rglob("training.json")).read_text())
    assert logs["step 1"]["losses"][-1] < 0.5 * logs["step 1"]["losses"][0]


def test_a_change_of_the_code_is_another_variant(folder: Path) -> None:
    compress(ratio=0)
    (folder / "net.py").write_text(NET.replace("torch.relu(x + ", "torch.sigmoid(x + "))
    images = held()["image"]
    before = answers(folder / "prune-network.onnx", images)
    compress(ratio=0)
    assert np.abs(answers(folder / "prune-network.onnx", images) - before).max() > 1e-3


def test_a_file_may_say_what_its_heads_and_its_loss_are(folder: Path) -> None:
    own = "\nHEADS = ['classes']\ndef loss(outputs, labels):\n    return outputs.square().mean()\n"
    (folder / "net.py").write_text(NET + own)
    compress(ratio=0.5, finetune_epochs=30, learning_rate=0.02)
    images = held()["image"]
    assert np.abs(answers(folder / "prune-network.onnx", images)).mean() < 0.2
    (folder / "net.py").write_text(NET + "\nHEADS = ['klasses']\n")
    assert "HEADS: no submodule 'klasses'; did you mean classes?" in refused()
    (folder / "net.py").write_text(NET + "\nHEADS = ['body', 'classes']\n")
    assert "the network has no layer but its heads" in refused()  # the residual ties all to them


def test_what_cannot_be_used_is_one_line(folder: Path) -> None:
    assert "network = 'nett.py:build': cannot be read" in refused(network="nett.py:build")
    assert "no function buidl; did you mean build?" in refused(network="net.py:buidl")
    assert "option weights is missing; name a file" in refused(weights="")
    known = held()
    np.savez(folder / "two.npz", **known, mask=known["image"])
    assert "wants one input beside `labels`, not 2 (image, mask)" in refused(data="two.npz")
    np.savez(folder / "bare.npz", image=known["image"])
    assert "has no `labels` to fine-tune on" in refused(data="bare.npz", finetune_epochs=1)
    np.savez(folder / "odd.npz", image=known["image"], labels=np.ones((96, 4), np.float32))
    told = refused(data="odd.npz", finetune_epochs=1)
    assert "no loss follows from labels of float32 (96, 4), outputs of (32, 4); write" in told
    np.savez(folder / "wide.npz", image=known["image"][:, :2], labels=known["labels"])
    assert "cannot be called with one case of data" in refused(data="wide.npz")
    (folder / "boom.py").write_text("import nowhere_to_be_found\n")
    assert "boom.py: cannot be run: ModuleNotFoundError" in refused(network="boom.py:build")


def test_weights_are_read_without_running_code(folder: Path) -> None:
    import torch

    scope: dict[str, Any] = {"__name__": "net"}
    exec(NET, scope)
    torch.save({"net": Path("x")}, folder / "pickled.pt")
    assert "no state_dict that can be read without running code" in refused(weights="pickled.pt")
    torch.save({"other": torch.zeros(3)}, folder / "other.pt")
    assert "other.pt: does not fit build()" in refused(weights="other.pt")


def test_a_suite_has_the_files_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "suite.toml").write_text(SUITE)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    argv = ["compress", str(folder / "suite.toml"), "--variant", "slim-int8"]
    done = CliRunner().invoke(app, argv)
    assert done.exit_code == 0, (done.output, done.exception)
    images = held(str(folder / "cases.npz"))["image"]
    assert answers(elsewhere / "slim-int8.onnx", images).shape == (96, 4)
    (kept,) = (
        one
        for path in (folder / "cache").rglob("variant.json")
        if (one := json.loads(path.read_text()))["recipe"] == "prune-network"
    )
    files = json.loads(kept["files"])
    assert files["network"] == hashlib.sha256(NET.encode()).hexdigest()
    assert str(folder) not in json.dumps(kept)


def test_the_hints_for_an_onnx_file_lead_here(folder: Path) -> None:
    model = write_model(folder / "foreign.onnx")
    for more in ([], ["--data", "cases.npz"], ["--task", "npz"]):
        argv = ["compress", str(model), "--recipe", "prune-structured", *more]
        done = CliRunner().invoke(app, argv)
        assert isinstance(done.exception, BenchhubError)
        if more != ["--task", "npz"]:
            assert "give recipe prune-network the function that builds it" in str(done.exception)


SETTINGS = """from __future__ import annotations
from dataclasses import dataclass


@dataclass
class Settings:
    ratio: float = 0.5


"""


def test_a_file_may_hold_dataclasses_and_what_ends_it_is_told(folder: Path) -> None:
    (folder / "net.py").write_text(SETTINGS + NET)
    assert compress(ratio=0.5)
    (folder / "net.py").write_text(NET + "\n\nraise SystemExit('no arguments')\n")
    assert "net.py: cannot be run: SystemExit: it exits with no arguments" in refused()


def test_a_cause_keeps_its_end(folder: Path) -> None:
    import torch

    state = torch.load(folder / "net.pt", weights_only=True)
    state |= {f"backbone.layer{at}.convolution.weight": torch.zeros(1) for at in range(30)}
    state["classes.weight"] = torch.zeros(7, 7)
    torch.save(state, folder / "net.pt")
    assert "size mismatch for classes.weight" in refused()
