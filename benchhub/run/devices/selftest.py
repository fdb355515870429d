"""Whether a device is fit as an instrument: work of known sizes, told apart or not.

A run of cells of the null backend: one does nothing, the others hash 2.00 MB (twice), 2.06 and
2.10 MB with SHA-256, which is 3 and 5 % more work. Equal work must not look different, more work
must be seen to be more. All cells share every round, as models do in a run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchhub.config.fleet.chosen import profiles as profiles_at
from benchhub.config.request import Resolved
from benchhub.model.arrays import Array
from benchhub.model.asked import EFFORTS, Agreement, Suite, VariantSpec
from benchhub.model.cell import Cell, CellKind, More, Plan, SamplesOf
from benchhub.model.device import Finding, Selftest
from benchhub.model.launch import Launch
from benchhub.model.request import RunKind, RunRequest
from benchhub.ondevice.backends import null
from benchhub.run.execute import Ready
from benchhub.run.planning.fixed_cells import fixed_work
from benchhub.run.prepare import Prepared
from benchhub.stats.drift import drift
from benchhub.stats.paired_ab import LOOKS, ABChange, ABDecision, paired_ab_look
from benchhub.stats.samples import tick_ns

TASK = "selftest"
EMPTY = "empty call"
BASE = "2.00 MB"
#: What is held to BASE: bytes, and what must be found.
COMPARED: Mapping[str, tuple[int, bool]] = {
    "2.00 MB again": (2_000_000, False),
    "2.06 MB": (2_060_000, True),
    "2.10 MB": (2_100_000, True),
}
WORK_ITERATIONS = 60
EMPTY_ITERATIONS = 1_000
MAX_TIMED_S = 5.0
#: The lower quartile is what work costs; disturbances lengthen calls, they shorten none.
STATISTIC = "p25"

_MOST_OVERHEAD_NS = 5_000.0
_MOST_STEP_NS = 1_000.0
#: Beyond these, of launches' medians (sd of logs) and of p95 over the median, intervals get wide.
_NOISY, _LONG_TAIL = 0.05, 0.25


def make_selftest(devices: Sequence[str], cache: Path) -> Ready:
    """Return the self-test of devices (places of their profiles), ready to be measured."""
    profiles = profiles_at(devices)
    names = [profile.name for profile in profiles]
    suite = Suite(
        name=TASK,
        path=Path(TASK),
        task=TASK,
        baseline=BASE,
        backends=(null.BACKEND.name,),
        variants=(VariantSpec(BASE),),
        scenarios=(),
        budgets=(),
        effort="standard",
        data={},
        precisions=("f32",),
        agreement=Agreement(),
        seed=0,
    )
    request = RunRequest(TASK, tuple(devices), backends=(null.BACKEND.name,), kind=RunKind.SELFTEST)
    resolved = Resolved(request, suite, "", profiles, EFFORTS[suite.effort])
    prepared = Prepared(
        suite, (), {}, None, None, {"dataset": "none: SHA-256 of 2.00, 2.06 and 2.10 MB of zeros"}
    )
    plan = Plan(tuple(cell for name in names for cell in cells(name)), ())
    return Ready(resolved, prepared, plan, until_decided(plan.cells))


def cells(device: str) -> tuple[Cell, ...]:
    """Return the cells of one device: nothing, the base, and what is held to it."""
    sizes = {EMPTY: 0, BASE: 2_000_000, **{name: size for name, (size, _) in COMPARED.items()}}
    return tuple(
        fixed_work(
            CellKind.SELFTEST,
            device,
            name,
            size,
            launches=LOOKS[0],
            iterations=WORK_ITERATIONS if size else EMPTY_ITERATIONS,
            max_timed_s=MAX_TIMED_S,
        )
        for name, size in sizes.items()
    )


def until_decided(planned: Sequence[Cell]) -> More:
    """Return what keeps the base and all that is not yet told from it open, in every round."""
    of_device: dict[str, dict[str, str]] = {}
    for cell in planned:
        of_device.setdefault(cell.device, {})[cell.variant] = cell.key
    by_base = {keys[BASE]: keys for keys in of_device.values()}

    def more(finished: Mapping[str, int], samples_of: SamplesOf) -> Collection[str]:
        wanted: list[str] = []
        for keys in [by_base[key] for key in finished if key in by_base]:
            count = finished[keys[BASE]]
            if count >= LOOKS[-1]:
                continue
            base = samples_of(keys[BASE], count)
            others = {
                name: samples_of(keys[name], finished.get(keys[name], 0)) for name in COMPARED
            }
            undecided = [
                keys[name]
                for name, other in others.items()
                if not base or _look(base, other, final=False).next_look is not None
            ]
            wanted += [keys[BASE], *undecided] if undecided else []
        return wanted

    return more


def _look(base: Sequence[Array], other: Sequence[Array], final: bool) -> ABDecision:
    pairs = min(len(base), len(other))
    return paired_ab_look(base[:pairs], other[:pairs], primary=STATISTIC, final=final)


def is_over(launches: Sequence[Launch]) -> bool:
    """Return whether launches of one device are all that its self-test takes."""
    samples: dict[str, list[Array]] = {}
    for launch in launches:
        if launch.status == "finished":
            samples.setdefault(launch.cell.key, []).append(launch.samples_ns)
    planned = list({launch.cell.key: launch.cell for launch in launches}.values())
    if {cell.variant for cell in planned} != {EMPTY, BASE, *COMPARED}:
        return False
    finished = {key: len(of) for key, of in samples.items()}
    enough = all(finished.get(cell.key, 0) >= cell.launches for cell in planned)
    return enough and not until_decided(planned)(finished, lambda key, count: samples[key][:count])


def examine(run: str, device: str, at: str, launches: Sequence[Launch]) -> Selftest:
    """Return what the launches of one device's self-test show, in any order."""
    samples: dict[str, list[Array]] = {}
    for launch in sorted(launches, key=lambda one: one.index):
        if launch.status == "finished":
            samples.setdefault(launch.cell.variant, []).append(launch.samples_ns)
    figures: dict[str, float | None] = {}
    base = samples.get(BASE, [])
    checks = [
        *_clock(samples.get(EMPTY, []), figures),
        *(_told(name, base, samples.get(name, []), figures) for name in COMPARED),
        *_steadiness(base, figures),
    ]
    passed = all(check.level != "refuse" for check in checks)
    return Selftest(device, at, passed, run, tuple(checks), figures)


def _clock(empty: Sequence[Array], figures: dict[str, float | None]) -> list[Finding]:
    if not empty:
        return [Finding("overhead", "refuse", "no empty call was timed", *_AGAIN)]
    overhead = float(np.median([np.median(launch) for launch in empty]))
    nonzero = [launch[launch > 0] for launch in empty if (launch > 0).any()]
    step = tick_ns(nonzero) if nonzero else None
    figures["overhead_ns"], figures["clock_step_ns"] = overhead, step
    slow = overhead > _MOST_OVERHEAD_NS
    found = [
        Finding(
            "overhead", "warn" if slow else "ok", f"an empty call takes {overhead:.0f} ns",
            "it is part of every time" if slow else "",
            "compare no models that take less than a hundred times that" if slow else "",
        )
    ]  # fmt: skip
    if step is None:
        why = "shorter calls cannot be told from none"
        return [*found, Finding("clock", "warn", "too coarse to time an empty call", why, _COARSE)]
    coarse = step > _MOST_STEP_NS
    found.append(
        Finding(
            "clock", "warn" if coarse else "ok", f"the clock steps by {step:.0f} ns",
            "differences below a step cannot be seen" if coarse else "",
            _COARSE if coarse else "",
        )
    )  # fmt: skip
    return found


_COARSE = "raise the batch until calls take a thousand steps"
_AGAIN = ("this part was not measured", "look at its launches with `benchhub runs show`, try again")


def _told(
    name: str, base: Sequence[Array], other: Sequence[Array], figures: dict[str, float | None]
) -> Finding:
    size, more_work = COMPARED[name]
    share = size / 2_000_000 - 1
    check = f"slow-down {share:.0%}" if more_work else "equal work"
    if not (base and other):
        return Finding(check, "refuse", f"{name} was not measured", *_AGAIN)
    try:
        decision = _look(base, other, final=True)
    except ValueError as error:  # a clock that did not move
        return Finding(check, "refuse", str(error), "nothing can be compared here", _COARSE)
    ratio = next(e.ratio for e in decision.effects if e.statistic == STATISTIC)
    key = f"seen_of_{round(100 * share)}_percent" if more_work else "seen_of_equal_work"
    figures[key] = ratio.estimate - 1
    limits = ""
    if ratio.low is not None and ratio.high is not None:
        figures[f"{key}_low"], figures[f"{key}_high"] = ratio.low - 1, ratio.high - 1
        limits = f" ({ratio.low - 1:+.2%} to {ratio.high - 1:+.2%})"
    seen = f"{ratio.estimate - 1:+.2%}{limits} in {decision.pairs} pairs"
    if more_work:
        good = decision.change is ABChange.REGRESSED
        why = f"a model that got {share:.0%} slower would pass unseen"
    else:
        good = decision.change not in (ABChange.REGRESSED, ABChange.IMPROVED)
        why = "equal work looks different: regressions would be reported where there are none"
    if good:
        return Finding(check, "ok", seen)
    return Finding(check, "refuse", seen, why, _QUIET)


_QUIET = (
    "stop other programs, fix the frequency (`benchhub devices doctor` says how), then test again"
)


def _steadiness(base: Sequence[Array], figures: dict[str, float | None]) -> list[Finding]:
    if len(base) < LOOKS[0]:
        return []
    medians = np.array([np.median(launch) for launch in base])
    if medians.min() <= 0:
        return []
    between = float(np.std(np.log(medians), ddof=1))
    tail = float(np.median([np.quantile(launch, 0.95) / np.median(launch) for launch in base])) - 1
    moved = drift(base)
    figures["noise_between_launches"], figures["tail_p95_over_p50"] = between, tail
    figures["drift_p_value"], figures["drift_shift"] = moved.p_value, moved.shift - 1
    noisy = between > _NOISY or tail > _LONG_TAIL
    noise = Finding(
        "noise", "warn" if noisy else "ok",
        f"launches differ by {between:.1%} (sd), p95 lies {tail:.1%} above the median",
        "intervals get wide, budgets on p95 INCONCLUSIVE" if noisy else "", _QUIET if noisy else "",
    )  # fmt: skip
    if not moved.flags:
        shown = f"no drift (rank-CUSUM, p = {moved.p_value:.2g})"
        return [noise, Finding("drift", "ok", shown)]
    why = "what is measured later is measured on another device, so to speak"
    return [noise, Finding("drift", "warn", moved.flags[0].evidence, why, _QUIET)]
