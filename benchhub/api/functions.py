"""`bench`, `run` and `load`, as Python calls them; arguments are those of the command line."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchhub.api.guarded import guarded
from benchhub.api.measuring import Display, begin, measure, ready_of
from benchhub.api.progress import Say, display_of, usual_say
from benchhub.api.results import RunResults, loaded
from benchhub.config.durations import duration_s
from benchhub.config.fleet.chosen import with_places
from benchhub.config.folders import cache, here, placed, store_url
from benchhub.config.limits import typed_limits
from benchhub.config.request import located
from benchhub.errors import ConfigError
from benchhub.model.asked import EFFORTS
from benchhub.model.device import USUAL_QUEUEING, Queueing
from benchhub.model.request import BenchRequest, RunRequest
from benchhub.outside.masked import masked
from benchhub.outside.written import OTHER_CACHE, drafted, explained
from benchhub.run.bench import left_out
from benchhub.run.devices.choosing import chooser
from benchhub.run.execute import Ready
from benchhub.run.loop.ways import DIRECT, LOCAL, Way, way_of
from benchhub.store import Store
from benchhub.text import visible

if TYPE_CHECKING:
    import numpy as np

    File = str | PathLike[str]
    #: One shape, or several, which are a sweep.
    Shape = str | Sequence[int] | Sequence[Sequence[int] | str]


@guarded()
def bench(
    *models: File,
    devices: str | Sequence[str] = "localhost",
    backends: str | Sequence[str] = (),
    shapes: Mapping[str, Shape] | Sequence[str] = (),
    inputs: File | Mapping[str, np.ndarray[Any, Any]] | None = None,
    threads: int | Sequence[int] = 1,
    batch: int | Sequence[int] = (),
    precision: str | Sequence[str] = "f32",
    options: Mapping[str, Any] | None = None,
    budgets: Mapping[str, float] | None = None,
    effort: str = "standard",
    store: str | None = None,
    progress: Say | None = None,
    exclude: str | Sequence[str] = (),
    at_most: int | None = None,
    wait_at_most: str | None = None,
    priority: int = 0,
    reservation: str = "",
    engine: str = LOCAL,
) -> RunResults:
    """Measure model files as `benchhub bench` does: latency, memory, cold start and size.

    `shapes` are by input, batch first: `{"x": (1, 3, 224, 224)}`, or a list of such, a sweep.
    `shapes` may be text, too, as after `--shape`: `{"x": "1x3x224x224"}`, `["x=1x3x224x224"]`.
    `inputs` are arrays by input, cases on the first axis, or an `.npz` file. `options` are session
    options as of suites, by `name` or `backend.name`; a list is a sweep. `budgets` are limits by
    the keys of a suite's budgets. `store` is the results database (default: `benchhub.db` here);
    `progress` takes lines (default: a line that changes in a notebook, else the log `benchhub`).
    `devices` may be patterns and labels, as after `--device`, less those of `exclude`; of these
    `at_most` so many healthy ones will do. Devices in use are waited for as `wait_at_most` says,
    "10m" say, with a `priority` or in the name of a `reservation`; `engine` leads to them through
    gateways.
    ConfigError for what cannot be measured as it is asked for, and where this machine is used up;
    what fails on a device is in `failures`. Fault: one of benchhub's own, which names its log.
    """
    if not models:
        raise ConfigError('name a model, as benchhub.bench("model.onnx")')
    request = BenchRequest(
        suite="bench",
        devices=_words("devices", devices),
        backends=_words("backends", backends),
        effort=_effort(effort),
        models=tuple(_path("a model", model) for model in models),
        shapes=_shapes(shapes),
        inputs=_inputs(inputs),
        threads=_counts("threads", threads),
        batches=_counts("batch", batch),
        precisions=_words("precision", precision),
        options=_options(options),
        limits=_limits(budgets),
        exclude=_words("exclude", exclude),
        at_most=_at_most(at_most),
    )
    queueing = _queueing(wait_at_most, priority, reservation)
    request = with_places(request, here())
    said = ", ".join(Path(model).name for model in request.models)
    return _measured(request, f"benchhub.bench({said})", store, progress, queueing, engine)


@guarded()
def run(
    suite: File,
    *,
    devices: str | Sequence[str] = "localhost",
    backends: str | Sequence[str] = (),
    variants: str | Sequence[str] = (),
    scenarios: str | Sequence[str] = (),
    effort: str | None = None,
    data: File | None = None,
    budgets: Mapping[str, float] | None = None,
    store: str | None = None,
    progress: Say | None = None,
    exclude: str | Sequence[str] = (),
    at_most: int | None = None,
    wait_at_most: str | None = None,
    priority: int = 0,
    reservation: str = "",
    engine: str = LOCAL,
) -> RunResults:
    """Run a suite on devices as `benchhub run` does: its name, folder or suite.toml.

    `backends`, `variants` and `scenarios` narrow it down; `budgets` hold beside the suite's. Other
    arguments and errors as of `bench`.
    """
    request = RunRequest(
        suite=str(suite),
        devices=_words("devices", devices),
        backends=_words("backends", backends),
        variants=_words("variants", variants),
        effort=_effort(effort) if effort else None,
        data=str(data) if data is not None else None,
        scenarios=_words("scenarios", scenarios),
        limits=_limits(budgets),
        exclude=_words("exclude", exclude),
        at_most=_at_most(at_most),
    )
    queueing = _queueing(wait_at_most, priority, reservation)
    request = located(request, here())
    return _measured(request, f"benchhub.run({suite})", store, progress, queueing, engine)


@guarded()
def load(run: str = "latest", *, store: str | None = None) -> RunResults:
    """Return a run that was measured: its id, a unique prefix of it, or `latest`.

    ConfigError: there is none of that name; StoreError: its record is damaged.
    """
    with Store.open(store or store_url(here())) as results:
        return loaded(results, results.resolve(run))


def measured(
    results: Store,
    request: RunRequest,
    ready: Ready,
    command: str,
    display: Display,
    queueing: Queueing = USUAL_QUEUEING,
    way: Way = DIRECT,
) -> tuple[RunResults, list[str]]:
    """Measure a new run; return what it found, and a line for each device that stopped early."""
    info = begin(results, ready, masked(visible(command)), display, queueing, way)
    problems = measure(results, info, ready, display, queueing=queueing, way=way)
    found = loaded(results, info.id)
    if isinstance(request, BenchRequest):
        lacking = tuple(left_out(request, found.results))
        found = loaded(results, info.id, lacking) if lacking else found
    return found, problems


def _measured(
    request: RunRequest,
    command: str,
    url: str | None,
    say: Say | None,
    queueing: Queueing,
    engine: str,
) -> RunResults:
    tell = say or usual_say()
    url = url or store_url(here())
    with way_of(engine) as way:
        choose = None if request.at_most is None else chooser(url, tell, queueing, way=way)
        ready = ready_of(request, cache(), tell, choose=choose)
        with Store.open(url) as results:
            shown = display_of(tell)
            return measured(results, request, ready, command, shown, queueing, way)[0]


def _queueing(wait_at_most: str | None, priority: int, reservation: str) -> Queueing:
    wait_s = None if wait_at_most is None else duration_s(str(wait_at_most), "wait_at_most")
    if not isinstance(priority, int) or not -9 <= priority <= 9:
        raise ConfigError(f"priority = {priority!r} should be a whole number from -9 to 9")
    return Queueing(wait_s, priority, reservation)


def _words(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else _several(name, value)
    for one in words:
        if not isinstance(one, str | PathLike):
            raise ConfigError(f"{name} = {one!r} should be text")
    return tuple(map(str, words))


def _several(name: str, value: Any) -> tuple[Any, ...]:
    try:
        return tuple(value)
    except TypeError:
        raise ConfigError(f"{name} = {value!r} should be one, or a list of such") from None


def _path(name: str, value: Any) -> str:
    if not isinstance(value, str | PathLike):
        raise ConfigError(f"{name} should be a path, not {type(value).__name__}: {value!r:.80}")
    return placed(value)


def _counts(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    given: Any = value  # of numpy, too
    values = (given,) if isinstance(given, Integral) else _several(name, given)
    if not all(isinstance(one, Integral) and int(one) > 0 for one in values):
        raise ConfigError(f"{name} = {value!r} should be whole numbers from 1 on")
    return tuple(dict.fromkeys(map(int, values)))


def _at_most(value: int | None) -> int | None:
    return None if value is None else _counts("at_most", value)[0]


def _options(options: Mapping[str, Any] | None) -> tuple[str, ...]:
    lists = ((k, v if isinstance(v, list | tuple) else [v]) for k, v in (options or {}).items())
    return tuple(f"{name}={','.join(map(_typed, values))}" for name, values in lists)


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _limits(budgets: Mapping[str, float] | None) -> Mapping[str, float]:
    return typed_limits([f"{key}={limit}" for key, limit in (budgets or {}).items()])


def _effort(name: str) -> str:
    if name not in EFFORTS:
        raise ConfigError(f"effort {name} is none of {', '.join(EFFORTS)}")
    return name


def _shapes(value: Mapping[str, Shape] | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, Mapping):
        return _words("shapes", value)
    found = []
    for name, shape in value.items():
        given = shape if isinstance(shape, str) else _several("shapes", shape)
        one = isinstance(given, str) or all(isinstance(size, Integral) for size in given)
        several: Any = [given] if one else given
        texts = (
            s if isinstance(s, str) else "x".join(map(str, _several("shapes", s))) for s in several
        )
        found += [f"{name}={text}" for text in texts]
    return tuple(found)


def _inputs(value: File | Mapping[str, np.ndarray[Any, Any]] | None) -> str | None:
    """Return the path of an archive; arrays are kept as one in the cache."""
    if value is None or not isinstance(value, Mapping):
        return None if value is None else _path("inputs", value)
    import numpy as np

    digest, held = hashlib.sha256(), {name: _array(name, one) for name, one in value.items()}
    for name, array in sorted(held.items()):
        plain = np.ascontiguousarray(array)
        digest.update(f"{name} {plain.dtype} {plain.shape} ".encode() + plain.tobytes())
    path = cache() / "inputs" / f"{digest.hexdigest()}.npz"
    # savez has arguments of its own, and an input may be called as they are
    with (
        explained(path, OTHER_CACHE),
        drafted(path) as draft,
        zipfile.ZipFile(draft, "w") as archive,
    ):
        for name, array in held.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
    return str(path)


def _array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return an input as an array of numbers or texts; ConfigError for anything else."""
    import numpy as np

    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # lists of other lengths, torch's own
        raise ConfigError(f"inputs: {name} is no array of one shape: {error}") from error
    if array.dtype == object:
        raise ConfigError(f"inputs: {name} is an array of objects, not of numbers or text")
    return array
