from __future__ import annotations

from synthetic import HOSTILE, results
from wide import wide

from benchhub.report.page.facets import facets


def test_every_row_has_its_places() -> None:
    source = wide()
    found = facets([source])
    for row in source.rows:
        places = found.of(row).split(" ")
        names = ("device", "backend", "variant", "scenario", "verdict", "threads")
        told = {n: found.choices[n][int(p)] for n, p in zip(names, places, strict=True)}
        assert told["device"] == row.device
        assert told["variant"] == row.variant
        assert told["threads"] == str(row.threads)


def test_what_cannot_be_chosen_from_is_not_shown() -> None:
    found = facets([wide()])
    assert "scenario" in found.shown
    assert "threads" in found.shown
    assert facets([]).shown == {}


def test_what_is_of_no_choice_has_none() -> None:
    found = facets([results()])
    assert found.places("raspberry-pi-4", "", HOSTILE, "", "", "").split(" ")[1] == "-"
    assert found.places("nowhere", "", "", "", "", "") == "- - - - - -"
