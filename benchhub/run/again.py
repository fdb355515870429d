"""Somebody's report asked for once more: what of it can be measured here, and what not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.config.catalogue import suite_files
from benchhub.config.published.told import PublishedReport, PublishedRow, PublishedVariant
from benchhub.config.suite import load_suite
from benchhub.errors import ConfigError
from benchhub.model.asked import EFFORTS, Suite
from benchhub.model.request import BenchRequest, RunKind, RunRequest
from benchhub.model.scenario import Scenario
from benchhub.outside.foreign.bounds import read_bounded
from benchhub.results.replicate.figures import FIGURES
from benchhub.run.execute import Ready
from benchhub.run.given_models import WantedModel, find_models

#: So many digits tell two models apart in a line.
_DIGITS = 12
_GIVE = "give its file with --models DIR"


@dataclass(frozen=True, slots=True)
class Again:
    """What is asked for: a request, None where nothing can be run; and what is not, and why.

    `lacking` is by the names of variants there, `files` where models were found, by sha256, and
    `said` a line on each model that is measured.
    """

    request: RunRequest | None
    lacking: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants a report run again, beside what it says itself."""

    device: str
    folders: tuple[Path, ...] = ()
    suite: str = ""
    effort: str = ""
    data: str = ""
    remade: bool = False


def asked_again(
    report: PublishedReport, rows: Sequence[PublishedRow], wishes: Wishes, project: Path
) -> Again:
    """Return what measures `rows` of a report once more, as far as it is known by now.

    Of a suite that is known here by its name, or that was named, what the suite says; else the
    models themselves, where all that is needed is in the folders. ConfigError: neither can be.
    """
    kinds = (RunKind.SUITE.value, RunKind.BENCH.value)
    if report.run.kind not in kinds:
        raise ConfigError(
            f"run {report.run.id} is of kind {report.run.kind}: what can be run again are suites"
            " and `benchhub bench`"
        )
    models = {one.name: one for one in report.variants}
    used = [models[name] for name in dict.fromkeys(row.variant for row in rows) if name in models]
    files = find_models(wishes.folders, [_wanted(one) for one in used])
    known = suite_files(project)
    suite = wishes.suite or (
        str(known[report.run.suite])
        if report.run.kind == RunKind.SUITE and report.run.suite in known
        else ""
    )
    if suite:
        return _of_suite(report, rows, used, files, suite, wishes)
    return _of_files(report, rows, used, files, wishes)


def _of_suite(
    report: PublishedReport,
    rows: Sequence[PublishedRow],
    used: Sequence[PublishedVariant],
    files: Mapping[str, Path],
    place: str,
    wishes: Wishes,
) -> Again:
    suite = load_suite(Path(place))
    specs = {spec.name: spec for spec in suite.variants}
    lacking = {
        one.name: f"suite {suite.name} here has no variant {one.name}"
        for one in used
        if one.name not in specs
    }
    names = [one.name for one in used if one.name in specs]
    backends = _both(suite.backends, (row.backend for row in rows))
    kinds = [spec.scenario.value for spec in suite.scenarios]
    scenarios = _both(kinds, (row.scenario for row in rows))
    if not (names and backends and scenarios):
        what = "variants" if not names else "backends" if not backends else "scenarios"
        raise ConfigError(
            f"{place}: the suite shares no {what} with the report of {report.run.id}; name the one"
            " that it is of with --suite"
        )
    given = {one.name: str(files[one.sha256]) for one in used
             if one.name in specs and one.sha256 in files}  # fmt: skip
    request = RunRequest(
        suite=place,
        devices=(wishes.device,),
        backends=backends,
        variants=_with_sources(names, given, suite),
        effort=wishes.effort or _effort(report),
        data=wishes.data or None,
        scenarios=scenarios,
        given=given,
    )
    said = {name: f"the file {path}" for name, path in given.items()}
    return Again(request, lacking, files, said)


def _of_files(
    report: PublishedReport,
    rows: Sequence[PublishedRow],
    used: Sequence[PublishedVariant],
    files: Mapping[str, Path],
    wishes: Wishes,
) -> Again:
    """Return a run of the files alone: latency, on inputs made up for them."""
    timed = [row for row in rows if row.scenario == Scenario.LATENCY]
    there = [one for one in used if one.sha256 in files]
    if not there or not timed:
        of = "has no such suite, and " if report.run.kind == RunKind.SUITE else ""
        raise ConfigError(
            f"this project {of}none of the report's {len(used)} models is in a folder that was"
            " given: name the suite with --suite, or give the models with --models DIR"
        )
    lacking = {
        one.name: f"its file is in no folder that was given; {_GIVE}"
        for one in used
        if one not in there
    }
    there.sort(key=lambda one: one.name != report.run.baseline)
    mine = [row for row in timed if row.variant not in lacking]
    request = BenchRequest(
        suite="bench",
        devices=(wishes.device,),
        backends=tuple(dict.fromkeys(row.backend for row in mine)),
        effort=wishes.effort or _effort(report),
        models=tuple(dict.fromkeys(str(files[one.sha256]) for one in there)),
        shapes=tuple(dict.fromkeys(
            shape for row in mine if row.shapes for shape in row.shapes.split()
        )),
        threads=tuple(sorted({row.threads for row in mine})),
        batches=tuple(sorted({row.batch for row in mine if row.batch})),
        precisions=tuple(dict.fromkeys(row.precision for row in mine if row.precision)) or ("f32",),
        options=tuple(_options(mine)),
    )  # fmt: skip
    said = {one.name: f"the file {files[one.sha256]}" for one in there}
    return Again(request, lacking, files, said)


def _options(rows: Sequence[PublishedRow]) -> Iterator[str]:
    """Yield the session options of rows as they are typed; what no option can be is left out."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        try:
            told = read_bounded(row.options or "{}")
        except (ValueError, RecursionError):
            continue
        for name, value in told.items() if isinstance(told, dict) else ():
            word = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
            if "," not in word and word not in found.setdefault((row.backend, name), []):
                found[row.backend, name].append(word)
    for (backend, name), words in found.items():
        if words:
            yield f"{backend}.{name}={','.join(words)}"


def settled(
    again: Again, ready: Ready, report: PublishedReport, wishes: Wishes, cache: Path
) -> Again:
    """Return what is to be measured, now that it is known which model each variant is here.

    A variant that came out as another model is looked for in the cache; if it is not there it is
    measured only where somebody takes what was made anew for the same.
    """
    request = again.request
    if request is None or isinstance(request, BenchRequest):
        return again
    theirs = {one.name: one for one in report.variants}
    made = {one.name: one for one in ready.prepared.variants}
    lacking, said, given = dict(again.lacking), dict(again.said), dict(request.given)
    wanted = [name for name in request.variants if name in theirs and name not in given]
    off = [name for name in wanted if name not in made or made[name].sha256 != theirs[name].sha256]
    kept = cache / "variants"
    found = find_models([kept] if kept.is_dir() and off else [],
                        [_wanted(theirs[name]) for name in off])  # fmt: skip
    for name in wanted:
        one = theirs[name]
        if name not in off:
            said[name] = "made as the suite here says, and the same file"
        elif one.sha256 in found:
            given[name] = str(found[one.sha256])
            said[name] = f"the file {found[one.sha256]}"
        elif name in {spec.name for spec in ready.prepared.to_make}:
            said[name] = "to be made as the suite here says; the same only if its sha256 is"
        elif name in ready.prepared.unbuilt:
            lacking[name] = f"cannot be made here: {ready.prepared.unbuilt[name]}; {_GIVE}"
        elif name in made and wishes.remade:
            said[name] = f"made anew: {made[name].sha256[:_DIGITS]}, not {one.sha256[:_DIGITS]}"
        else:
            mine = made[name].sha256[:_DIGITS] if name in made else "nothing"
            lacking[name] = (
                f"another model: made here it is {mine}, not {one.sha256[:_DIGITS]}; {_GIVE}, or"
                " take what was made with --accept-remade"
            )
    names = [name for name in request.variants if name not in lacking]
    if not set(names) & theirs.keys():
        return Again(None, lacking, again.files, said)
    changed = dataclasses.replace(request, variants=tuple(names), given=given)
    return Again(_complete(changed), lacking, again.files, said)


def _complete(request: RunRequest) -> RunRequest:
    suite = load_suite(Path(request.suite))
    return dataclasses.replace(
        request, variants=_with_sources(request.variants, request.given, suite)
    )


def _with_sources(names: Sequence[str], given: Mapping[str, str], suite: Suite) -> tuple[str, ...]:
    """Return variants with those that they are made from, but for those that are given as files."""
    specs = {spec.name: spec for spec in suite.variants}
    wanted = list(names)
    for name in wanted:
        source = specs[name].source
        if source and name not in given and source not in wanted:
            wanted.append(source)
    return tuple(wanted)


def _both(known: Sequence[str], named: Iterable[str]) -> tuple[str, ...]:
    wanted = set(named)
    return tuple(name for name in known if name in wanted)


def _effort(report: PublishedReport) -> str:
    return report.run.effort if report.run.effort in EFFORTS else "standard"


def _wanted(of: PublishedVariant) -> WantedModel:
    if not of.files:
        return WantedModel(of.sha256, of.sha256, of.model_bytes)
    main = of.files[0]
    return WantedModel(of.sha256, main.sha256, main.size_bytes)


def measured_again(report: PublishedReport, devices: Sequence[str]) -> list[PublishedRow]:
    """Return the rows of some devices that have a figure which can be held against another."""
    return [
        row
        for row in report.rows
        if row.device in devices and row.runs_model and FIGURES.get(row.scenario)
    ]
