"""The runs of a board by suite: newest first, and of which run a device's newest rows are; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchhub.errors import told_of
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results
from benchhub.report.answer.order import in_order
from benchhub.report.answer.said import ReportAnswer, answered
from benchhub.report.board.line import BoardLine, line
from benchhub.report.board.names import file_name
from benchhub.report.page.facets import facets
from benchhub.text import instant


@dataclass(frozen=True, slots=True)
class BoardRun:
    """A run on a board, and where its report lies; `with_budgets`: they are known.

    `html` is empty where there is only its json.
    """

    results: Results
    json: str
    html: str
    with_budgets: bool

    @property
    def id(self) -> str:
        """Its id."""
        return self.results.run.id


@dataclass(frozen=True, slots=True)
class DeviceVerdicts:
    """What a run's own verdicts on a device come to, where it has no other answer."""

    device: str
    counted: str
    kept: int
    broken: int


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A run of a suite: the devices of which it is the newest, with their answer and lines.

    `answer` is None where what it was held to is not known; then there are its `verdicts`.
    """

    run: BoardRun
    current: tuple[str, ...]
    older: tuple[str, ...]
    answer: ReportAnswer | None
    verdicts: tuple[DeviceVerdicts, ...]
    lines: tuple[BoardLine, ...]

    @property
    def key(self) -> str:
        """Its id as it stands in addresses."""
        return file_name(self.run.id)


@dataclass(frozen=True, slots=True)
class BoardSuite:
    """A suite with its runs, the newest first."""

    name: str
    runs: tuple[SuiteRun, ...]

    @property
    def lines(self) -> list[BoardLine]:
        """All its rows, those first that no newer run has measured again."""
        found = [one for run in self.runs for one in run.lines]
        return sorted(found, key=lambda one: not one.current)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that it was measured on."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.current))


def suites(runs: Sequence[BoardRun]) -> list[BoardSuite]:
    """Return the runs by suite, those of the newest run first."""
    ordered = sorted(runs, key=lambda one: one.id)
    ordered.sort(key=lambda one: instant(one.results.run.started_at), reverse=True)
    names = dict.fromkeys(one.results.run.suite for one in ordered)
    return [
        BoardSuite(name, tuple(_runs([one for one in ordered if one.results.run.suite == name])))
        for name in names
    ]


def _runs(newest_first: Sequence[BoardRun]) -> Iterator[SuiteRun]:
    seen: set[str] = set()
    for run in newest_first:
        results = in_order(run.results)
        names = tuple(
            dict.fromkeys([one.name for one in results.devices] + [r.device for r in results.rows])
        )
        measured = {row.device for row in results.rows if row.status == "finished"}
        current = tuple(name for name in names if name not in seen)
        older = tuple(name for name in names if name in seen)
        yield SuiteRun(
            run,
            current,
            older,
            _answer(results, current) if run.with_budgets and current else None,
            tuple(_verdicts(results, name) for name in current),
            tuple(_lines(run, results, current)),
        )
        seen |= measured  # where nothing was measured an older run is still the newest


def _answer(results: Results, current: Sequence[str]) -> ReportAnswer:
    found = answered(results)
    lines = tuple(one for one in found.lines if one.device in current)
    if len(lines) == len(found.lines):
        return found
    sentence = f"On {told_of(tuple(current), 3)}; newer runs have its other devices."
    return dataclasses.replace(found, sentence=sentence, lines=lines, groups=())


def _verdicts(results: Results, device: str) -> DeviceVerdicts:
    mine = [one.outcome.value for one in results.verdicts if one.device == device]
    counted = [(mine.count(word), word) for word in ("PASS", "FAIL", "INCONCLUSIVE")]
    said = ", ".join(f"{count} {word}" for count, word in counted if count)
    return DeviceVerdicts(device, said or "no verdict", mine.count("PASS"), mine.count("FAIL"))


def _lines(run: BoardRun, results: Results, current: Sequence[str]) -> Iterator[BoardLine]:
    infos = {one.name: one for one in results.devices}
    known = facets([results])
    for row in results.rows:
        if row.runs_model:
            info = infos.get(row.device) or DeviceInfo(row.device, "", row.emulated)
            verdict = known.verdict(row)
            yield line(row, results.run, info, verdict, row.device in current, run.json, run.html)
