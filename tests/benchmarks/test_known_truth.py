"""The known-truth experiments: their sources, their peers, and that they run."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from rich.console import Console

from benchhub.model.asked import Budget
from benchhub.model.scenario import VerdictOutcome
from benchhub.stats.paired_ab import ABChange
from benchmarks.known_truth import peers, physical, shipped, shown
from benchmarks.known_truth.__main__ import QUICK_REPEATS, SEED, main
from benchmarks.known_truth.comparisons import Host
from benchmarks.known_truth.experiment import Experiment, Figure, Target
from benchmarks.known_truth.experiments import EXPERIMENTS
from benchmarks.known_truth.generators import SOURCES
from benchmarks.known_truth.spread import run


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("q", [0.5, 0.95])
def test_sources_have_the_quantiles_they_claim(name, q):
    source = SOURCES[name]
    samples = source.samples_ns(np.random.default_rng(1), 4000, 200)
    below = (samples <= source.quantile_ns(q)).mean(axis=1)
    assert below.mean() == pytest.approx(q, abs=4 * below.std() / math.sqrt(4000) + 1e-3)


def test_sources_draw_the_same_from_the_same_seed():
    for source in SOURCES.values():
        one, other = (source.samples_ns(np.random.default_rng(3), 4, 30) for _ in range(2))
        assert (one == other).all()
        assert one.shape == (4, 30)
        assert one.dtype == np.int64


@pytest.mark.parametrize(("q", "least"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_loadgen_needs_as_many_queries_as_its_rules_say(q, least):
    assert math.isfinite(peers.loadgen_bound(np.arange(least), q))
    assert math.isinf(peers.loadgen_bound(np.arange(least - 1), q))


def test_bootstrap_limits_are_those_of_resampling():
    rng = np.random.default_rng(2)
    values = rng.standard_normal(1000)
    drawn = np.quantile(values[rng.integers(0, 1000, (2000, 1000))], 0.9, axis=1)
    assert peers.bootstrap_limits(values, 0.9) == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.03
    )


def test_t_tests_are_those_of_scipy():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(4)
    a, b = rng.standard_normal(20), 0.5 + 2 * rng.standard_normal(30)
    assert peers.welch(a, b) == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert peers.student(a, b) == pytest.approx(ttest_ind(a, b).pvalue)


@pytest.mark.parametrize("rule", [
    peers.hyperfine, peers.pyperf, peers.google_benchmark, peers.asv, peers.jmh, peers.criterion,
    peers.pytest_benchmark, peers.smallest,
])  # fmt: skip
def test_peers_see_what_is_plain_and_not_what_is_equal(rule):
    values = 1 + 0.01 * np.random.default_rng(5).random(40)
    assert rule(values, 1.5 * values)
    assert not rule(values, values[::-1])


def test_rounds_pair_launches_that_share_the_drift():
    a, b = Host(np.random.default_rng(6), drift=0.2).rounds(1.0, 400)
    logs = [np.log(np.median(side, axis=1)) for side in (a, b)]
    assert np.corrcoef(*logs)[0, 1] > 0.8
    assert abs(np.mean(logs[1] - logs[0])) < 0.02


@pytest.mark.timeout(1200)  # a minute of processor time
@pytest.mark.usefixtures("processes")
def test_a_quick_run_of_all_that_is_promised_surely_misses_nothing():
    """Bounds as loose as so few repeats are: two Monte-Carlo errors beyond each target."""
    figures: list[Figure] = []
    answers = []
    promised = [one for one in EXPERIMENTS if one.targets]
    for experiment, of in run(promised, QUICK_REPEATS // 4, SEED, 1):
        figures += of
        answers += shown.answers(experiment, of)
    assert len(answers) >= 16
    assert [answer for answer in answers if not answer.met and answer.sure] == []
    # and the same bounds do tell a rule that is wrong
    coverage = EXPERIMENTS[0]
    assert coverage.name == "coverage"
    peer = Target("bootstrap", at_least=0.94, cases=coverage.targets[0].cases)
    wrong = shown.answers(Experiment("coverage", "", {}, (peer,)), [
        figure for figure in figures if figure.experiment == "coverage"
    ])  # fmt: skip
    assert [(answer.met, answer.sure) for answer in wrong] == [(False, True)]


SMALL = tuple(one for one in EXPERIMENTS if one.name in ("flags for something", "A/B of +3 %"))


@pytest.mark.usefixtures("processes")
def test_figures_do_not_depend_on_how_repeats_are_spread():
    assert list(run(SMALL, 20, 1, 1)) == list(run(SMALL, 20, 1, 2))
    assert list(run(SMALL, 20, 1, 1)) != list(run(SMALL, 20, 2, 1))


def test_each_experiment_runs_and_its_targets_name_its_rules():
    for experiment in EXPERIMENTS:
        case, repeat = next(iter(experiment.cases.items()))
        found = repeat(np.random.default_rng(8))
        assert all(math.isnan(value) or math.isfinite(value) for value in found.values())
        for target in experiment.targets:
            assert target.rule in found, (experiment.name, case)
            assert set(target.cases) <= set(experiment.cases)


def test_a_source_is_measured_up_to_a_look_as_a_run_does():
    made = []

    def draw(count):
        made.append(count)
        return SOURCES["A"].samples_ns(np.random.default_rng(len(made)), count, 200)

    p95 = SOURCES["A"].quantile_ns(0.95) / 1e6
    for factor, counts, outcome in (
        (1.2, [3, 7], VerdictOutcome.PASS),
        (0.8, [3, 7], VerdictOutcome.FAIL),
        (0.3, [3], VerdictOutcome.FAIL),
        (1.0, [3, 7, 6, 9, 15], VerdictOutcome.INCONCLUSIVE),
    ):
        made.clear()
        budget = Budget("p95", limits={"latency_p95_ms": factor * p95})
        row = shipped.until_told(draw, budget)
        assert (made, row.launches) == (counts, sum(counts))
        assert shipped.verdict(row, budget) is outcome


def test_two_things_are_measured_until_an_ab_decides():
    host = Host(np.random.default_rng(10))
    found, iterations = shipped.side_by_side(lambda count: host.rounds(1.5, count))
    assert (found.change, found.pairs, iterations) == (ABChange.REGRESSED, 10, 600)


def test_a_target_is_judged_by_its_worst_case():
    target = Target("PASS", at_most=0.05)
    figures = [Figure("e", "a", "PASS", 0.01, 0.001, 100), Figure("e", "b", "PASS", 0.2, 0.01, 100)]
    experiment = Experiment("e", "", {}, (target,))
    (answer,) = shown.answers(experiment, figures)
    assert (answer.figure.case, answer.met, answer.sure) == ("b", False, True)
    (near,) = shown.answers(experiment, [Figure("e", "a", "PASS", 0.06, 0.01, 100)])
    assert (near.met, near.sure) == (False, False)
    pooled = Experiment("e", "", {}, (Target("PASS", at_most=0.12, pooled=True),))
    (mean,) = shown.answers(pooled, figures)
    assert mean.met
    assert mean.figure.value == pytest.approx(0.105)


@pytest.mark.usefixtures("processes")
def test_tables_and_json_hold_every_figure():
    figures = [one for _, found in run(SMALL, 10, 1, 1) for one in found]
    out = Console(file=io.StringIO(), width=200)
    for experiment in SMALL:
        shown.show(experiment, [one for one in figures if one.experiment == experiment.name], out)
    answers = shown.answers(SMALL[0], [one for one in figures if one.experiment == SMALL[0].name])
    shown.show_answers(answers, out)
    text = out.file.getvalue()
    for figure in figures:
        assert figure.case in text
    found = json.loads(shown.as_json(figures, answers, 1, 10))
    assert len(found["figures"]) == len(figures)
    assert found["targets"][0]["figure"]["repeats"] == 10


@pytest.mark.usefixtures("processes")
def test_hashes_of_more_bytes_take_longer():
    assert np.median(physical.launch(4_000_000, 9)) > 1.5 * np.median(physical.launch(1_000_000, 9))


@pytest.mark.usefixtures("processes")
def test_rules_agree_on_hashes_twice_as_long():
    found = physical.repeat(np.random.default_rng(9), 2 * physical.BYTES)
    assert found["benchhub"]
    assert found["smallest, 2 %"]
    assert found["benchhub iterations"] >= 600


def test_tables_in_markdown_say_what_was_promised():
    experiment = Experiment("a", "how often | it holds", {}, (Target("ours", at_least=0.9),))
    made = [Figure("a", "case 1", "ours", 0.95, 0.01, 400), Figure("a", "case 1", "n", 0.1, 0, 9)]
    found = shown.answers(experiment, made)
    text = shown.as_markdown([(experiment, made)], found, seed=7)
    assert "| a | ours >= 0.9 | case 1 | 95.00 ± 1.00 % (R = 400) | yes |" in text
    assert "| case 1 | 95.00 ± 1.00 % | 10.00 ± 0.00 % |" in text
    assert text.startswith("Seed 7; ")


def test_help_names_the_experiments(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["known_truth", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert "gate at -5 %" in " ".join(capsys.readouterr().out.split())
