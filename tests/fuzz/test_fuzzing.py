"""The campaign finds faults that are there: untold errors, crashes, hangs, memory; and goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fuzz import findings
from fuzz.__main__ import main, table
from fuzz.campaign import Campaign
from fuzz.child import mutant
from fuzz.forms import in_form
from fuzz.mutation import MOST_BYTES, mutated
from fuzz.targets import listed
from fuzz.toys import TOYS


def _found(folder: Path, name: str, seconds: float) -> tuple[Campaign, list[str]]:
    hang_s = 1.0 if name == "toy-hanging" else 30.0
    campaign = Campaign(folder, engine="mutation", hang_s=hang_s)
    campaign.sit(TOYS[name], seconds)
    return campaign, sorted(findings.kinds(folder, name))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("toy-untold", "KeyError at tests/fuzz/toys.py:_untold"),
        ("toy-crashing", "ended with SIGSEGV"),
        ("toy-hanging", "no end within 1 s"),
        ("toy-large", "much memory"),
        ("toy-leaving", "SystemExit at tests/fuzz/toys.py:_leaving"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_planted_fault_is_found_and_its_bytes_are_kept(
    tmp_path: Path, name: str, wanted: str
) -> None:
    campaign, kinds = _found(tmp_path, name, 3.0)
    assert kinds == [wanted]
    kept = sorted((tmp_path / "findings" / name).glob("*.txt"))
    assert kept
    assert b"9" not in kept[0].with_suffix("").read_bytes()
    (row,) = campaign.rows([TOYS[name]])
    assert row.tries > 0
    assert wanted in table([row])


@pytest.mark.usefixtures("processes")
def test_what_is_told_is_no_finding_and_sittings_add_up(tmp_path: Path) -> None:
    campaign, kinds = _found(tmp_path, "toy-sound", 1.0)
    assert kinds == []
    first = campaign.ledger.of["toy-sound"].tries
    assert first > 10
    again = Campaign(tmp_path, engine="mutation")
    again.sit(TOYS["toy-sound"], 1.0)
    assert again.ledger.of["toy-sound"].tries > first
    assert not list((tmp_path / "work").iterdir())


def test_a_mutant_is_the_same_whenever_it_is_made() -> None:
    toy = TOYS["toy-sound"]
    seeds = list(toy.seeds())
    made = [mutant(toy, number, seeds) for number in range(200)]
    assert made == [mutant(toy, number, seeds) for number in range(200)]
    assert len(set(made)) > 100
    assert max(map(len, made)) <= MOST_BYTES


@pytest.mark.parametrize("name", ["npz", "png", "onnx", "pytest-benchmark", "store", "nifti"])
def test_a_form_is_kept_around_what_is_changed(name: str) -> None:
    target = next(one for one in listed() if one.name == name)
    seeds = list(target.seeds())
    draw = random.Random(1)

    def change(part: bytes) -> bytes:
        return mutated(part, draw, target.words, seeds)

    made = {in_form(seed, target.form, draw, change)[:4] for seed in seeds for _ in range(30)}
    assert {seed[:4] for seed in seeds} & made


def test_a_folder_that_is_there_is_gone_on_with_only_if_that_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger.json").write_text('{"npz": {"seconds": 600.0, "tries": 7}}')
    assert main(["--folder", str(tmp_path), "--only", "npz"]) == 2
    assert "add --resume" in capsys.readouterr().err
    assert main(["--folder", str(tmp_path), "--only", "npz", "--resume"]) == 0
    assert f"{'npz':24}{600:9}{7:12}{0:10}" in capsys.readouterr().out
