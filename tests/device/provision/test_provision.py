"""Provisioning over real transports: with wheels of a few bytes, and once with a real runtime."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from loopback_sshd import Sshd, link
from onnx import TensorProto, helper
from provision_targets import target
from tiny_wheels import pin, write_backend, write_numpy, write_wheel
from waiting import until

from benchhub.device.provision.install import Provisioned, provision
from benchhub.device.provision.lock import Lock, parse, pinned, shipped
from benchhub.device.provision.wheels import wheels
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob
from benchhub.errors import BackendError, NoSpace, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job

pytestmark = pytest.mark.usefixtures("processes")

RUNNER = build_runner()


@pytest.fixture(params=["local", "ssh"])
def profile(request: pytest.FixtureRequest, sshd: Sshd, tmp_path: Path) -> DeviceProfile:
    root = tmp_path / "the root"
    if request.param == "local":
        return DeviceProfile(name="board", transport="local", root=str(root))
    return sshd.profile(root, python=sys.executable)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all the registry pip knows, on the device as on the controller."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def lock_of(*lines: str) -> tuple[Lock, ...]:
    return (parse("tiny", "tiny", "tiny-rt", "".join(lines)),)


@pytest.fixture
def locks(registry: Path) -> tuple[Lock, ...]:
    return lock_of(pin(write_backend(registry)), pin(write_numpy(registry)))


def opened(profile: DeviceProfile) -> DeviceSession:
    return DeviceSession.open(profile, RUNNER, holder("provisioning"))


def offline(profile: DeviceProfile, locks: tuple[Lock, ...], cache: Path) -> Provisioned:
    with opened(profile) as session:
        return provision(session, locks, cache)


def bare_python(folder: Path) -> Path:
    """Return an interpreter that has its standard library and nothing else."""
    venv.create(folder / "bare", with_pip=False)
    return folder / "bare" / "bin" / "python"


def test_offline_twice_moves_wheels_once(
    profile: DeviceProfile, locks: tuple[Lock, ...], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = offline(profile, locks, cache)
    assert first.built
    assert first.moved_bytes == sum(path.stat().st_size for path in cache.glob("*.whl"))
    assert first.environment.version == "1.0"
    again = offline(profile, locks, tmp_path / "another cache")
    assert (again.built, again.moved_bytes) == (False, 0)
    assert again.environment == first.environment
    assert not (tmp_path / "another cache").exists()


def test_it_shows_in_the_facts_and_goes_with_its_removal(
    profile: DeviceProfile, locks: tuple[Lock, ...], tmp_path: Path
) -> None:
    with opened(profile) as session:
        made = provision(session, locks, tmp_path / "cache").environment
        assert session.facts().backends["tiny"].python == made.python
        assert made.python.startswith(session.hello.root)
        removed = session.unprovision(["tiny"])
        assert [one.name for one in removed] == [made.name, "2 wheels"]
        assert "tiny" not in session.facts().backends
        assert session.unprovision(["tiny"]) == ()


def test_the_cache_serves_a_second_device_without_pip_or_registry(
    locks: tuple[Lock, ...], registry: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    there = target("3.8.10", "aarch64", "glibc 2.28")
    names = [one.name for one in wheels(pinned(locks, there), there, cache)]
    for path in registry.iterdir():
        path.unlink()
    assert [one.name for one in wheels(pinned(locks, there), there, cache)] == names


def test_a_damaged_wheel_in_the_cache_is_fetched_again(
    locks: tuple[Lock, ...], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    there = target()
    first = wheels(pinned(locks, there), there, cache)
    (cache / first[0].name).write_bytes(b"decayed")
    assert wheels(pinned(locks, there), there, cache) == first


def test_the_wheel_of_the_devices_platform_is_chosen(registry: Path, tmp_path: Path) -> None:
    tags = (
        "cp311-cp311-manylinux2014_x86_64", "cp311-cp311-manylinux_2_28_aarch64",
        "cp311-cp311-manylinux_2_34_aarch64", "cp38-abi3-manylinux_2_17_aarch64",
        "cp311-cp311-linux_armv7l",
    )  # fmt: skip
    locks = lock_of(pin(*(write_wheel(registry, "tiny_rt", "1.0", tag=tag) for tag in tags)))

    def chosen(machine: str, libc: str, python: str = "3.11.2") -> str:
        there = target(python, machine, f"glibc {libc}")
        (found,) = wheels(pinned(locks, there), there, tmp_path / "cache")
        return found.name.removeprefix("tiny_rt-1.0-").removesuffix(".whl")

    assert chosen("x86_64", "2.36") == tags[0]
    assert chosen("aarch64", "2.36") == tags[2]
    assert chosen("aarch64", "2.31") == tags[1]
    assert chosen("aarch64", "2.27") == tags[3]
    assert chosen("aarch64", "2.36", "3.13.5") == tags[3]
    assert chosen("armv7l", "2.36") == tags[4]


def test_a_wheel_that_does_not_exist_for_the_device_is_named(
    registry: Path, tmp_path: Path
) -> None:
    other = write_wheel(registry, "tiny_rt", "1.0", tag="cp311-cp311-manylinux2014_x86_64")
    there = target("3.9.2", "aarch64", "glibc 2.31")
    with pytest.raises(BackendError) as caught:
        wheels(pinned(lock_of(pin(other)), there), there, tmp_path / "cache")
    assert str(caught.value) == (
        "board: tiny-rt 1.0 has no wheel for Python 3.9.2 on aarch64 with glibc 2.31; use another "
        "Python or a newer system there, or leave tiny out with --backend"
    )


def test_a_wheel_that_is_not_the_locked_one_is_refused(registry: Path, tmp_path: Path) -> None:
    locks = lock_of(pin(write_backend(registry)))
    write_backend(registry, before="# other bytes\n")
    with pytest.raises(BackendError, match="not the one that was locked"):
        wheels(pinned(locks, target()), target(), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.whl"))


def test_the_devices_own_pip_installs_the_same(locks: tuple[Lock, ...], tmp_path: Path) -> None:
    board = DeviceProfile(name="board", transport="local", root=str(tmp_path / "root"))
    with opened(board) as session:
        done = provision(session, locks, None)
        assert (done.built, done.moved_bytes) == (True, 0)
        assert done.environment.packages == {"tiny-rt": "1.0", "numpy": "0.1"}
        assert not provision(session, locks, tmp_path / "cache").built
    there = tmp_path / "root" / "environments"
    assert [path.name for path in there.iterdir()] == [done.environment.name]
    assert not list(there.rglob("tmp")) + list(there.rglob("requirements.txt"))


def test_a_registry_without_the_wheel_fails_with_pips_own_reason(
    locks: tuple[Lock, ...], registry: Path, tmp_path: Path
) -> None:
    next(registry.glob("tiny_rt*")).unlink()
    board = DeviceProfile(name="board", transport="local", root=str(tmp_path / "root"))
    with opened(board) as session, pytest.raises(BackendError) as caught:
        provision(session, locks, None)
    assert "No matching distribution found for tiny-rt==1.0" in str(caught.value)
    assert "use --offline" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "root" / "environments").iterdir()) == []


def test_a_device_without_pip_is_told_of_offline(locks: tuple[Lock, ...], tmp_path: Path) -> None:
    bare = bare_python(tmp_path)
    root = str(tmp_path / "root")
    board = DeviceProfile(name="board", transport="local", root=root, python=str(bare))
    with opened(board) as session:
        with pytest.raises(BackendError) as caught:
            provision(session, locks, None)
        assert str(caught.value) == (
            f"board: tiny was not provisioned: {bare} has no pip; use --offline"
        )
        assert provision(session, locks, tmp_path / "cache").built


def test_a_push_that_was_cut_goes_on_where_it_was(
    sshd: Sshd, registry: Path, tmp_path: Path
) -> None:
    size = 6 << 20
    backend = write_backend(registry, more={"tiny_rt_weights.bin": os.urandom(size)})
    locks = lock_of(pin(backend), pin(write_numpy(registry)))
    cache = tmp_path / "cache"
    with link(sshd.port) as relay:
        board = sshd.profile(tmp_path / "root", python=sys.executable, port=relay.port)
        with opened(board) as session:
            relay.cut_after = relay.sent + size // 2
            with pytest.raises(Unreachable):
                provision(session, locks, cache)
        board = replace(board, lease_wait_s=30.0)
        with opened(board) as session:
            assert session.environments()[1] == ()
            done = provision(session, locks, cache)
    assert done.built
    assert 0 < done.moved_bytes < size


def test_a_controller_that_dies_while_it_is_made_leaves_nothing_that_is_used(
    profile: DeviceProfile, registry: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    before = f"import os, time\nwhile os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
    locks = lock_of(pin(write_backend(registry, before=before)), pin(write_numpy(registry)))
    session = opened(profile)

    def make() -> None:
        with contextlib.suppress(Exception):
            provision(session, locks, tmp_path / "cache")

    thread = threading.Thread(target=make)
    thread.start()
    home = Path(profile.root) / "environments"
    made = "*.part/lib/*/site-packages/tiny_rt.py"
    until(lambda: list(home.glob(made)), "the first file of the environment")
    session.close()
    thread.join(60)
    gate.unlink()
    with opened(replace(profile, lease_wait_s=30.0)) as session:
        assert session.environments()[1] == ()
        done = provision(session, locks, tmp_path / "cache")
    assert (done.built, done.moved_bytes) == (True, 0)
    assert [path.name for path in home.iterdir()] == [done.environment.name]


@pytest.fixture
def small_disk(tmp_path: Path, processes: None) -> Iterator[Path]:
    """Return a folder on a disk of 64 MiB that has room for some 200 files."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = "size=64m,nr_inodes=240"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "benchhub-test", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"mounting a small disk is not allowed here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    "more",
    [
        {"tiny_rt_zeros.bin": bytes(100 << 20)},  # seen before anything is written
        {f"tiny_rt_{index}.bin": b"x" for index in range(300)},  # seen in the middle
    ],
    ids=["bytes", "files"],
)
def test_a_full_disk_keeps_what_was_there(
    small_disk: Path, registry: Path, tmp_path: Path, more: dict[str, bytes]
) -> None:
    numpy = pin(write_numpy(registry))
    locks = lock_of(pin(write_backend(registry)), numpy)
    large = lock_of(pin(write_backend(registry, "2.0", more=more)), numpy)
    board = DeviceProfile(name="board", transport="local", root=str(small_disk / "root"))
    with opened(board) as session:
        old = provision(session, locks, tmp_path / "cache").environment
        with pytest.raises(NoSpace, match=r"board: tiny was not provisioned: .*free some"):
            provision(session, large, tmp_path / "cache")
        assert session.environments()[1] == (old,)
        assert session.facts().backends["tiny"].python == old.python
    assert [p.name for p in (small_disk / "root/environments").iterdir()] == [old.name]


def test_a_launch_runs_in_a_provisioned_environment_with_the_real_runtime(
    sshd: Sshd, tmp_path: Path
) -> None:
    """From the package registry, as a user does it; pip keeps what it fetched between runs."""
    board = sshd.profile(tmp_path / "root", python=str(bare_python(tmp_path)))
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 3], np.arange(12, dtype=np.float32))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [weights],
    )
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    np.save(tmp_path / "x.npy", np.ones((5, 4), np.float32))
    blobs = [Blob.of_bytes(model.SerializeToString()), Blob.of_file(tmp_path / "x.npy")]
    with opened(board) as session:
        done = provision(session, shipped("onnxruntime"), tmp_path / "cache")
        assert done.environment.version == done.environment.packages["onnxruntime"]
        session.stage(blobs)
        outcome = session.launch(
            Job(
                cell="c", launch=0, backend="onnxruntime", scenario="latency",
                model=blobs[0].sha256, model_format="onnx", inputs={"x": blobs[1].sha256},
                iterations=30, warmup=3, output_cases=1, deadline_s=120.0,
                python=session.facts().backends["onnxruntime"].python,
            )
        )  # fmt: skip
    assert outcome.failure is None
    assert outcome.status == "finished"
    assert len(outcome.samples_ns) == 30
    assert outcome.backend_version == done.environment.version
    found = np.frombuffer(outcome.outputs[0].data, np.float32)
    assert found.tolist() == [18.0, 22.0, 26.0]


def test_a_full_cache_is_named(small_disk: Path, registry: Path) -> None:
    """pip runs out of space while it fetches to the controller's cache."""
    numpy = pin(write_numpy(registry))
    more = {"tiny_rt_noise.bin": os.urandom(100 << 20)}
    locks = lock_of(pin(write_backend(registry, "2.0", more=more)), numpy)
    board = DeviceProfile(name="board", transport="local", root=str(small_disk.parent / "root"))
    cache = small_disk / "cache"
    told = rf"{cache}: no space left for wheels; free some, or set BENCHHUB_CACHE"
    with opened(board) as session, pytest.raises(NoSpace, match=told):
        provision(session, locks, cache)
