"""What every backend promises; a new one joins by a line in `subjects`.

A third party's is tested by `BENCHHUB_SUBJECTS=FILE pytest tests/contracts/test_backends.py`.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from repository import TESTS
from subjects import (
    ELSEWHERE,
    GIVEN,
    SUBJECTS,
    Subject,
    build_tiny_model,
    expected_scores,
    images,
    parameter,
)
from waiting import PATIENCE_S

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.description import PRECISIONS, check

COMPUTING = tuple(subject for subject in SUBJECTS if subject.computes)
READING_ONNX = tuple(subject for subject in COMPUTING if subject.format == "onnx")
FOREIGN = [
    (one, two)
    for one, two in itertools.product(COMPUTING, COMPUTING)
    if two.format not in backends.described(one.name).formats
]
WITH_OPTIONS = [(subject, options) for subject in SUBJECTS for options in subject.options]

each = pytest.mark.parametrize("subject", [parameter(one) for one in SUBJECTS])
each_computing = pytest.mark.parametrize("subject", [parameter(one) for one in COMPUTING])
each_reading_onnx = pytest.mark.parametrize("subject", [parameter(one) for one in READING_ONNX])

Load = Callable[..., Any]


@pytest.fixture(scope="session")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Subject], Path]:
    folder = tmp_path_factory.mktemp("models")

    def model(subject: Subject) -> Path:
        path = folder / f"{subject.label}-0123abcd"  # blobs have no suffix either
        return path if path.exists() else subject.write(path)

    return model


@pytest.fixture
def module(subject: Subject) -> Any:
    """Return the backend; where its runtime is absent, fail in CI and skip elsewhere."""
    try:
        return backends.find(subject.name)
    except ImportError as error:
        reason = f"{subject.name} is not installed here, so nothing of it was tested: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def load(subject: Subject, module: Any, model_of: Callable[[Subject], Path]) -> Load:
    def load_with(**settings: Any) -> Any:
        options = LoadOptions(**{"format": subject.format, **settings})
        return module.load(str(model_of(subject)), options)

    return load_with


@pytest.mark.skipif(bool(GIVEN), reason="these are somebody else's subjects")
def test_every_backend_is_tested() -> None:
    tested = {subject.name for subject in SUBJECTS}
    assert tested.isdisjoint(ELSEWHERE)
    own = [backends.described(name) for name in backends.own_names()]
    assert tested | set(ELSEWHERE) == {one.name for one in own if not one.for_tests}
    for file, _ in ELSEWHERE.values():
        assert (TESTS / file).is_file()


def test_every_format_that_is_described_is_tested() -> None:
    for name in {subject.name for subject in SUBJECTS}:
        tested = {subject.format for subject in COMPUTING if subject.name == name}
        assert tested == set(backends.described(name).formats)


@each
def test_describes_itself_without_its_runtime(subject: Subject, processes: None) -> None:
    """Nothing but itself, benchhub and the standard library is imported to read it."""
    description = backends.described(subject.name)
    check(description, subject.name)
    script = f"""
import sys
from benchhub.ondevice import backends, third_parties
before = set(sys.modules)
backends.described({subject.name!r})
print(*sorted({{name.split(".")[0] for name in set(sys.modules) - before}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    mine = description.runtime.split(".")[0]
    assert set(done.stdout.split()) <= {*sys.stdlib_module_names, "benchhub", mine}


@each_computing
def test_a_profile_is_of_the_calls_asked_for(subject: Subject, load: Load) -> None:
    session = load(scenario=backends.PROFILE)
    if not backends.described(subject.name).profiles:
        assert not hasattr(session, "profile")
        return
    call = session.bind(images(1))
    for _ in range(3):
        call()
    profile = session.profile(call, 5)
    assert profile.calls == 5
    assert any("Conv" in name or "MatMul" in name for name in profile.operators_ns), profile
    # openvino rounds each node's mean to a microsecond, over the eight calls in all
    rounding_ns = 1000 * 20 * 8 // 5 if subject.name == "openvino" else 0
    assert 0 < sum(profile.operators_ns.values()) <= profile.call_ns + rounding_ns
    other = load()
    assert other.profile(other.bind(images(1)), 5) is None


@each
def test_the_version_is_that_of_what_is_installed(subject: Subject, module: Any) -> None:
    description = backends.described(subject.name)
    assert module.__name__ == description.runtime
    assert str(backends.installed_version(description)) in module.version()


@each
def test_session_says_what_it_is(subject: Subject, load: Load) -> None:
    session = load()
    assert session.precision == subject.precision
    assert session.provider in subject.provider
    assert json.loads(json.dumps(dict(session.details))) == dict(session.details)


@each
def test_bound_call_and_run_agree_on_the_number_of_outputs(subject: Subject, load: Load) -> None:
    session = load()
    feeds = images(1) if session.inputs else {}
    assert len(session.bind(feeds)()) == len(session.run(feeds)) == len(session.outputs)


@each_computing
def test_declares_inputs_and_outputs(subject: Subject, load: Load) -> None:
    session = load(batch=2)
    (image,), (scores,) = session.inputs, session.outputs
    assert (image.name, image.dtype, image.shape[1:]) == ("image", "float32", (3, 12, 12))
    assert (scores.name, scores.dtype, scores.shape[1:]) == ("scores", "float32", (5,))
    assert image.shape[0] in (None, 2)
    assert scores.shape[0] in (None, 2)


@each_computing
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 3])
def test_computes_what_the_reference_computes(
    subject: Subject, load: Load, batch: int, threads: int
) -> None:
    if threads not in subject.threads:
        with pytest.raises(ValueError, match="threads"):
            load(batch=batch, threads=threads)
        return
    feeds = images(batch)
    (found,) = load(batch=batch, threads=threads).run(feeds)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected_scores(feeds), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        parameter(one, more=(options,), name=f"{one.label}-{options}")
        for one, options in WITH_OPTIONS
    ],
)
def test_options_change_no_result(subject: Subject, load: Load, options: dict[str, Any]) -> None:
    session = load(batch=2, options=options)
    assert session.provider in subject.provider
    assert json.dumps(dict(session.details))
    feeds = images(2)
    bound = np.array(session.bind(feeds)()[0])
    for found in (bound, session.run(feeds)[0]):
        np.testing.assert_allclose(found, expected_scores(feeds), rtol=1e-4, atol=1e-5)


@each_computing
def test_the_same_feeds_give_the_same_outputs(subject: Subject, load: Load) -> None:
    session = load(batch=2)
    (first,) = session.run(images(2))
    (other,) = session.run(images(2, seed=1))
    (again,) = session.run(images(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@each_computing
def test_bound_call_leaves_readable_outputs(subject: Subject, load: Load) -> None:
    session = load(batch=2)
    (expected,) = session.run(images(2))
    call = session.bind(images(2))  # nobody else holds on to the feeds
    for _ in range(3):
        np.testing.assert_array_equal(np.array(call()[0]), expected)


@each_computing
def test_a_run_between_calls_does_not_change_what_is_bound(subject: Subject, load: Load) -> None:
    session = load(batch=2)
    call = session.bind(images(2))
    before = np.array(call()[0])
    session.run(images(2, seed=1))
    np.testing.assert_array_equal(np.array(call()[0]), before)


@each_computing
@pytest.mark.parametrize("threads", [1, 2])
def test_bound_calls_at_once_give_what_each_was_bound_to(
    subject: Subject, load: Load, threads: int
) -> None:
    """Calls of three threads overlap, each on feeds of its own; all outputs are checked."""
    if threads not in subject.threads:
        pytest.skip(f"{subject.name} takes {subject.threads} threads a call")
    session = load(batch=2, threads=threads, concurrency=3)
    expected = [expected_scores(images(2, seed)) for seed in range(3)]
    calls = [session.bind(images(2, seed)) for seed in range(3)]
    calls[0]()  # the runtime is ready before they start together
    start = threading.Barrier(3)

    def work(index: int) -> int:
        start.wait(30)
        for number in range(150):
            found = np.array(calls[index]()[0])
            if not np.allclose(found, expected[index], rtol=1e-4, atol=1e-5):
                return number
        return -1

    with ThreadPoolExecutor(3) as pool:
        first_wrong = list(pool.map(work, range(3), timeout=PATIENCE_S))
    assert first_wrong == [-1, -1, -1]


@each_computing
def test_another_batch_than_declared_is_refused_or_right(subject: Subject, load: Load) -> None:
    session = load(batch=2)
    feeds = images(3)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: session.run(feeds),
        lambda: session.bind(feeds)(),
    )
    for call in calls:
        try:
            found = call()[0]
        except (RuntimeError, ValueError):
            continue
        assert session.inputs[0].shape[0] is None
        np.testing.assert_allclose(found, expected_scores(feeds), rtol=1e-4, atol=1e-5)


@each_computing
def test_missing_file_is_named(subject: Subject, module: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        module.load(str(tmp_path / "absent"), LoadOptions(format=subject.format))


@each_computing
def test_foreign_format_is_refused(subject: Subject, load: Load) -> None:
    with pytest.raises(ValueError, match=f"{subject.name} reads .*{subject.format}.*not gguf"):
        load(format="gguf")


@each_computing
def test_a_precision_that_is_not_described_is_refused(subject: Subject, load: Load) -> None:
    offered = backends.described(subject.name).precisions
    for precision in ("q4", *PRECISIONS):
        if precision not in offered:
            with pytest.raises(ValueError, match=f"{subject.name} computes in .*not {precision}"):
                load(precision=precision)


@each_computing
def test_unknown_option_is_refused(subject: Subject, load: Load) -> None:
    with pytest.raises(ValueError, match=f"{subject.name} has no option frobnicate; it has "):
        load(options={"frobnicate": 1})


@each_computing
def test_foreign_value_of_an_option_is_refused(subject: Subject, load: Load) -> None:
    for name, option in backends.described(subject.name).options.items():
        foreign = "frobnicate" if option.choices else b"of no type that options have"
        with pytest.raises(ValueError, match=f"{subject.name}: option {name} "):
            load(options={name: foreign})


@each_computing
def test_corrupt_model_raises(subject: Subject, module: Any, tmp_path: Path) -> None:
    path = tmp_path / "corrupt"
    path.write_bytes(b"\x08\x08not a model" * 50)
    with pytest.raises(Exception, match=r"\S"):
        module.load(str(path), LoadOptions(format=subject.format))


@pytest.mark.parametrize(
    ("subject", "other"),
    [parameter(one, two, name=f"{one.label}-{two.format}") for one, two in FOREIGN]
    or [pytest.param(None, None, id="none", marks=pytest.mark.skip(reason="no other format here"))],
)
def test_a_model_of_another_format_under_this_ones_name_is_refused(
    subject: Subject, module: Any, model_of: Callable[[Subject], Path], other: Subject
) -> None:
    try:
        path = model_of(other)
    except ImportError as error:
        pytest.skip(f"no {other.format} model can be made here: {error}")
    with pytest.raises(ValueError, match=r"\S"):
        module.load(str(path), LoadOptions(format=subject.format))


def test_unknown_backend_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        backends.find("nonesuch")


@each_reading_onnx
def test_a_model_with_a_fixed_batch_keeps_it(subject: Subject, module: Any, tmp_path: Path) -> None:
    """The launch's batch is then compared with the declared one, and refused if it differs."""
    path = build_tiny_model(tmp_path / "fixed.onnx", batch=1)
    session = module.load(str(path), LoadOptions(batch=2))
    assert session.inputs[0].shape[0] == 1
    with pytest.raises(Exception, match=r"\S"):
        session.run(images(2))


@each_reading_onnx
def test_a_model_behind_casts_keeps_its_names(
    subject: Subject, module: Any, load: Load, tmp_path: Path
) -> None:
    """Half-precision models with float32 inputs and outputs start and end in a Cast."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    path = tmp_path / "half.onnx"
    whole = onnx.load(build_tiny_model(tmp_path / "whole.onnx"))
    onnx.save(convert_float_to_float16(whole, keep_io_types=True), str(path))
    session = module.load(str(path), LoadOptions(batch=2))
    assert [tensor.name for tensor in session.inputs] == ["image"]
    assert [tensor.name for tensor in session.outputs] == ["scores"]
    expected = load(batch=2).run(images(2))[0]
    assert np.allclose(session.run(images(2))[0], expected, atol=0.05)
