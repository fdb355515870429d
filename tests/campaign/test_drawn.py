"""What seeds draw, how answers carry their cells, and what is kept and told of scenarios."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from repository import ROOT

from benchhub.store.blobs import pack_ns
from campaign import driver, evidence, outcome, report
from campaign.answer import WORDS, Answer, decode, encode
from campaign.checks import KINDS, Counts
from campaign.draw import VERSION, draw
from campaign.faults import ALL
from campaign.journal import Journal
from campaign.outcome import Outcome
from campaign.play import described
from campaign.site import Kind, Site


def test_a_seed_draws_the_same_again() -> None:
    for seed in range(50):
        assert described(draw(seed), "") == described(draw(seed), "")
        assert draw(seed).paces_s == draw(seed).paces_s


def test_a_thousand_seeds_draw_every_fault_on_every_kind_of_device() -> None:
    scenarios = [draw(seed) for seed in range(1000)]
    drawn = Counter(fault.name for one in scenarios for fault in one.faults)
    assert set(drawn) == {fault.name for fault in ALL}
    assert min(drawn.values()) >= 8
    assert {kind for one in scenarios for kind in one.kinds.values()} == set(Kind)
    struck = {(fault.name, fault.kind) for one in scenarios for fault in one.faults}
    assert {(one.name, kind) for one in ALL for kind in one.kinds} - struck == set()
    assert any(one.healthy for one in scenarios)
    for one in scenarios:
        assert 1 <= len(one.kinds) <= 5
        assert one.faults
        for fault in one.faults:
            assert fault.victim == "" or one.kinds[fault.victim] is fault.kind


def test_two_controllers_of_one_run_meet_only_devices_that_have_leases() -> None:
    for seed in range(1000):
        one = draw(seed)
        if any("the same run" in fault.told() for fault in one.faults):
            assert Kind.IN_PROCESS not in one.kinds.values()


@pytest.mark.parametrize("answer", [
    Answer("0123456789abcdef", 0, 1), Answer("f" * 16, 65535, 2**48 - 1), Answer("0" * 16, 3, 0),
], ids=["plain", "largest", "least"])  # fmt: skip
def test_an_answer_tells_its_cell(answer: Answer) -> None:
    for count in (WORDS, WORDS + 5):
        samples = encode(answer, count)
        assert len(samples) == count
        assert max(samples) < 2**16
        assert decode(samples) == answer
    with pytest.raises(ValueError, match="at least 8"):
        encode(answer, WORDS - 1)


@pytest.mark.parametrize("samples", [[], [1] * 7, [70_000] * 8, [1] * 9, [-1] * 8])
def test_samples_of_no_such_launch_are_no_answer(samples: list[int]) -> None:
    assert decode(samples) is None


@pytest.mark.parametrize("samples", [[], [0], [1, -1, 2**62, -(2**62)], list(range(300))])
def test_samples_are_read_as_the_store_packs_them(samples: list[int]) -> None:
    import numpy as np

    assert evidence.unpacked(pack_ns(np.array(samples, np.int64))) == tuple(samples)


def test_a_journal_is_read_while_it_grows_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    mine, other = Journal(str(path)), Journal(str(path))
    assert mine.count("begun") == 0
    other.write("begun", "a", cell="c", launch=1, nonce=2, pid=3)
    other.write("begun", "b")
    assert (mine.count("begun"), mine.count("begun", "a"), mine.count("answered")) == (2, 1, 0)
    with path.open("a") as file:
        file.write('["begun", "a", "c"')
    assert mine.count("begun") == 2
    with path.open("a") as file:
        file.write(", 1, 2, 3]\n")
    assert mine.count("begun", "a") == 2
    assert mine.lines()[0] == ("begun", "a", "c", 1, 2, 3)


def played(seed: int, **changes: object) -> Outcome:
    usual = dataclasses.replace(
        described(draw(seed), "0123456789ab"), counts=Counts(planned=6, done=5, named=1), at_last=6,
        controllers=2, took_s=1.5, struck=(draw(seed).faults[0].name,),
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


def test_an_outcome_is_kept_as_it_is(tmp_path: Path) -> None:
    one = played(3, findings=("lost: launch 1",))
    outcome.write(one, tmp_path / "outcomes" / "3.json")
    assert outcome.read(tmp_path / "outcomes" / "3.json") == one
    assert outcome.read(tmp_path / "outcomes" / "4.json") is None
    assert [path.name for path in (tmp_path / "outcomes").iterdir()] == ["3.json"]


@pytest.mark.usefixtures("processes")
def test_what_was_kept_is_not_played_again_but_what_was_drawn_otherwise_is(tmp_path: Path) -> None:
    # Of those that need something of the machine: without it they are left out, and never played.
    seeds = [seed for seed in range(100) if draw(seed).needs][:2]
    kept = [played(seed, told=("kept",)) for seed in seeds]
    for one in kept:
        outcome.write(one, tmp_path / "outcomes" / f"{one.seed:05d}.json")
    told: list[Outcome] = []
    assert driver.run(seeds, tmp_path, resume=True, tell=told.append) == kept
    assert told == []
    older = dataclasses.replace(kept[0], version=VERSION - 1)
    outcome.write(older, tmp_path / "outcomes" / f"{seeds[0]:05d}.json")
    everything = ("lab", "machine", "sshd", "mounts", "clock", "postgresql")
    found = driver.run(seeds, tmp_path, resume=True, without=everything, tell=told.append)
    assert [one.seed for one in told] == seeds[:1]
    assert found[0].left_out
    assert found[0].told != ("kept",)
    assert found[1] == kept[1]


def test_what_was_left_out_is_played_once_what_it_lacked_is_there() -> None:
    seed = next(seed for seed in range(1000) if draw(seed).needs == {"postgresql"})
    out = played(seed, left_out="no PostgreSQL server is installed")
    assert not driver.stays(out, Site())
    assert driver.stays(out, Site(missing={"postgresql": "no PostgreSQL server is installed"}))
    assert driver.stays(played(seed), Site())
    assert not driver.stays(None, Site())


def test_scenarios_whose_server_is_killed_are_not_played_beside_one_another() -> None:
    killed = [one for one in map(draw, range(1000)) if "postgresql" in one.needs]
    assert len(killed) == 14
    assert all(one.alone_with == {"postgresql"} for one in killed)
    others = [one for one in map(draw, range(100)) if "postgresql" not in one.needs]
    assert {one.alone_with for one in others} == {frozenset(), frozenset({"lab"})}


def test_seeds_draw_what_was_published_of_them() -> None:
    published = json.loads((ROOT / "reports/fault-campaign/campaign.json").read_text())["outcomes"]
    for one in published:
        if one["version"] == VERSION:
            now = described(draw(one["seed"]), "")
            assert (list(now.told), list(now.devices)) == (one["told"], one["devices"])
    assert len(published) == 1000


def test_the_page_counts_by_fault_and_names_seeds() -> None:
    seeds = [seed for seed in range(200) if len(draw(seed).faults) == 1]
    name = draw(seeds[0]).faults[0].name
    found = [
        played(seeds[0]),
        played(seeds[1], findings=("doubled: launch 0 of c on d", "left running: 7"),
               counts=Counts(planned=4, done=4, doubled=1), at_last=4, running=1),
        played(seeds[2], left_out="there is no C compiler", counts=Counts(), at_last=0),
    ]  # fmt: skip
    page = report.markdown(found, {"command": "c", "date": "d", "machine": "m"})
    assert "- 2 of 3 scenarios played, 1 left out; 1 with findings" in page
    assert (
        "- 10 launches planned: 9 done before anything was mended, 1 failed by name, 0 lost" in page
    )
    assert "1 doubled, 0 under a wrong cell, 1 processes and 0 locks left" in page
    assert "- of 0123456789ab (3)" in page
    assert "- 1: there is no C compiler" in page
    assert f"- doubled ({KINDS['doubled']}): seeds {seeds[1]}" in page
    assert f"- left running ({KINDS['left running']}): seeds {seeds[1]}" in page
    (row,) = (line for line in page.splitlines() if line.startswith(f"| {name} | "))
    mine = [one for one in found if name in one.faults and not one.left_out]
    assert row.split(" | ")[1] == str(len(mine))
    assert "| all scenarios, each once | 2 | 2 | 10 | 9 | 1 | 1 | 0 | 0 | 10 | 1 | 0 | 2 |" in page
    played_never = next(
        fault.name for fault in ALL if not any(fault.name in one.faults for one in found)
    )
    assert f"| {played_never} | 0 |{'  |' * 11}" in page  # empty: nothing was counted
    known = json.loads(report.as_json(found, {"command": "c"}))
    assert [one["seed"] for one in known["outcomes"]] == seeds[:3]
    assert all(str(seed) in report.line(one) for seed, one in zip(seeds, found, strict=False))
