"""What quality at two batches costs the controller, beside quality at one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey
from benchhub.model.scenario import Scenario
from benchhub.results.rows.rows import summarize
from benchhub.tasks.metrics import get_metric
from benchmarks.claim import Claim, compared, paired
from benchmarks.results_store import Size, cells, chunks, run

AT_MOST = 1.3
#: As the quickstart is judged: the first is what budgets are about.
METRICS = ("macro_auc", "log_loss", "log_loss_worst5")
BATCHES = (1, 8)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is judged, and how often; one variant in `of_which` depends on its batch."""

    variants: int = 8
    backends: int = 1
    cases: int = 400
    labels: int = 14
    rounds: int = 5
    of_which: int = 8


def measure(amount: Amount | None = None) -> list[Claim]:
    """Return the claim: processor time of rows with quality at two batches, over that at one."""
    amount = amount or Amount()
    key, launches = judged(amount)
    one = [launch for launch in launches if launch.cell.batch == BATCHES[0]]
    seconds: tuple[list[float], list[float]] = ([], [])
    for index in range(amount.rounds + 1):
        order = (0, 1) if index % 2 else (1, 0)
        for which in order:
            took = _timed(key, (one, launches)[which])
            if index:  # the first round warms up
                seconds[which].append(took)
    alone, both = seconds
    return [
        compared(
            f"quality of {amount.variants * amount.backends} artifacts at two batches,"
            f" {amount.cases} cases, {len(METRICS)} metrics",
            f"{float(np.median(both)):.3g} s of processor time",
            f"at one batch {float(np.median(alone)):.3g} s",
            paired(both, alone),
            at_most=AT_MOST,
        )
    ]


def judged(amount: Amount) -> tuple[AnswerKey, list[Launch]]:
    """Return an answer key, and a quality launch of each variant, backend and batch.

    At the second batch answers are rounded otherwise; of one variant in `of_which` others.
    """
    rng = np.random.default_rng(0)
    shape = amount.cases, amount.labels
    labels = (rng.random(shape) < 0.2).astype(np.int64)
    exact = (1 / (1 + np.exp(-2 * labels - rng.standard_normal(shape)))).astype(np.float32)
    ids = tuple(map(str, range(amount.cases)))
    groups = tuple(str(case // 2) for case in range(amount.cases))
    names = tuple(f"label {index}" for index in range(amount.labels))
    key = AnswerKey(METRICS[0], labels, ids, groups, names, (exact,), also=METRICS[1:])
    made = []
    for variant in range(amount.variants):
        off = 0.01 * variant * rng.standard_normal(shape)
        for backend in range(amount.backends):
            for batch in BATCHES:
                again = 0.0 if batch == BATCHES[0] else _apart(variant, amount)
                moved = off + again * rng.standard_normal(shape)
                outputs = np.clip(exact + moved, 1e-6, 1 - 1e-6).astype(np.float32)
                made.append(_launch(variant, backend, batch, outputs))
    return key, made


def _apart(variant: int, amount: Amount) -> float:
    return 0.02 if variant % amount.of_which == amount.of_which - 1 else 1e-7


def _launch(variant: int, backend: int, batch: int, outputs: Array) -> Launch:
    size = Size(launches=1, samples=1, per_cell=1, chunk=1)
    launch = chunks(cells(size), size)[0][0]
    cell: Cell = replace(
        launch.cell,
        variant="fp32" if variant == 0 else f"variant {variant}",
        backend=f"backend {backend}",
        scenario=Scenario.QUALITY,
        batch=batch,
    )
    return replace(launch, cell=cell, outputs=(outputs,), samples_ns=launch.samples_ns[:0])


def _timed(key: AnswerKey, launches: Sequence[Launch]) -> float:
    first, *also = map(get_metric, METRICS)
    planned = [launch.cell for launch in launches]
    device = DeviceInfo(planned[0].device, "ssh", emulated=False)
    started = time.process_time()
    summarize(run(), planned, launches, (), (device,), answer_key=key, metric=first, also=also)
    return time.process_time() - started
