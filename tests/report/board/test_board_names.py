"""Names of files and rows: plain, and different for what is different."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from benchhub.report.board.names import file_name, row_id

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=80)


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_name_is_safe_in_paths_addresses_and_pages(parts: list[str]) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,190}", file_name(*parts))


@given(TEXTS, TEXTS)
def test_different_texts_have_different_names(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)


@given(TEXTS, TEXTS, TEXTS)
def test_parts_do_not_run_into_each_other(one: str, two: str, other: str) -> None:
    assert file_name(one, two) != file_name(other)


def test_usual_names_are_as_they_are() -> None:
    assert file_name("quickstart") == "quickstart"
    assert row_id("20261201-003056-9722", "60cf948040e4a46e") == (
        "r-20261201-003056-9722--60cf948040e4a46e"
    )
    assert file_name("Quickstart").startswith("quickstart-")
    assert "/" not in file_name("../../etc/passwd")
