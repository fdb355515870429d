"""`benchhub gate`: budgets applied to a run; the exit code is the answer."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from benchhub.model import Budget, Cell
    from benchhub.report.formats.gate_entries import Judged
    from benchhub.store import Store


class Format(enum.StrEnum):
    """How the verdicts are written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def gate(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    budgets: Path = typer.Option(None, help="Other budgets than the suite's"),
    format: Format = typer.Option(None, help="Default: text, and of files their ending"),  # noqa: A002
    output: list[Path] = typer.Option([], "-o", "--output", help="File to write; may be repeated"),
    json: bool = typer.Option(False, "--json", help="The same as --format json"),
    store: str = project.STORE,
) -> None:
    """Judge a run: exit 0 PASS, 1 FAIL, 3 something failed, 4 INCONCLUSIVE.

    Without --format, a file's ending says how it is written (.xml .md .json .txt) and the text
    goes to stdout as well: `benchhub gate latest -o gate.xml -o gate.md`.
    """
    from benchhub.report.formats.gate_formats import format_of, render

    if json:
        format = Format.JSON  # noqa: A001
    wanted = [(path, format.value if format else format_of(path.suffix)) for path in output]
    with project.open_store(store) as results:
        judged = _judged(results, run, budgets)
    for path, name in wanted:
        _write(path, render(name, judged))
    if format is None or (format is Format.TEXT and not output):
        _print(judged)
    elif not output:
        typer.echo(render(format.value, judged), nl=False)
    raise typer.Exit(judged.exit_code)


def _judged(store: Store, name: str, file: Path | None) -> Judged:
    from benchhub.config import load_budgets
    from benchhub.errors import ConfigError
    from benchhub.gate import check_budgets, exit_code, judge, unjudged
    from benchhub.report.formats.gate_entries import Judged
    from benchhub.results import load_results

    found = _newest_of_suite(store, name) or store.resolve(name)
    loaded = load_results(store, found)
    limits, plan = store.budgets(found), store.plan(found)
    verdicts = loaded.verdicts
    if file is not None:
        limits = load_budgets(file)
        skipped = [(skip.device, skip.variant, skip.backend) for skip in plan.skips]
        _check_names(file, limits, plan.cells, skipped)
        check_budgets(limits, plan.cells)
        verdicts = judge(loaded.rows, limits)
    if not limits:
        raise ConfigError(f"run {found} has no budgets; add [[budgets]] or give --budgets FILE")
    if not verdicts:
        raise ConfigError(f"no cell of run {found} matches any budget; check their selectors")
    failed = sum(row.status == "failed" for row in loaded.rows)
    lost = sum(bool(device.error) for device in loaded.devices)
    open_budgets = unjudged(limits, verdicts, plan.cells)
    code = exit_code(verdicts, failed + lost, len(open_budgets))
    return Judged(loaded, tuple(limits), tuple(verdicts), open_budgets, code)


def _check_names(
    file: Path,
    budgets: Sequence[Budget],
    cells: Sequence[Cell],
    skipped: Sequence[tuple[str, str, str]],
) -> None:
    """Raise ConfigError for a name in a selector that the run never heard of.

    A budget that matches other cells besides would otherwise pass without the one that was meant.
    """
    from benchhub.errors import ConfigError, nearest

    models = [cell for cell in cells if cell.model_sha256]
    for budget in budgets:
        if not _limits_anything(budget):
            raise ConfigError(f"{file}: budget {budget.name} sets no limit; add one, or remove it")
        selectors: tuple[tuple[str, Sequence[str], Collection[str]], ...] = (
            ("device", budget.devices, {c.device for c in models} | {s[0] for s in skipped}),
            ("variant", budget.variants, {c.variant for c in models} | {s[1] for s in skipped}),
            ("backend", budget.backends, {c.backend for c in models} | {s[2] for s in skipped}),
            ("thread count", [str(n) for n in budget.threads], {str(c.threads) for c in models}),
        )
        for kind, wanted, known in selectors:
            for name in wanted:
                if name not in known:
                    raise ConfigError(
                        f"{file}: budget {budget.name} names {kind} {name}, which is not in this"
                        f" run{nearest(name, known)}"
                    )


def _limits_anything(budget: Budget) -> bool:
    limits = (
        budget.throughput_min_per_s, budget.peak_rss_mib, budget.load_ms, budget.model_bytes,
        budget.quality_loss_max,
    )  # fmt: skip
    return bool(budget.latency_ms or budget.paced_ms or any(x is not None for x in limits))


def _print(judged: Judged) -> None:
    from rich.console import Console
    from rich.text import Text

    from benchhub.report.formats.gate_text import lines

    console = Console()
    styles = {"PASS": "green", "FAIL": "red", "ERROR": "red", "INCONCLUSIVE": "yellow"}
    for line in lines(judged, console.width):
        text = Text(line.text)
        if line.text.startswith(line.style):  # the word itself, not all that follows it
            text.stylize(styles.get(line.style, ""), 0, len(line.style))
        console.print(text, soft_wrap=True)


def _write(path: Path, text: str) -> None:
    from benchhub.errors import ConfigError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    typer.echo(f"gate: {path}", err=True)


def _newest_of_suite(results: Store, name: str) -> str | None:
    return next((run.id for run in reversed(results.runs()) if run.suite == name), None)
