from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from benchhub.report.page.packed import Packing, packed, unpacked


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_packed_comes_back_and_cannot_end_its_element(text: str) -> None:
    told = packed(text)
    assert unpacked(told) == text
    assert "<" not in told


def test_lines_alike_take_little_room() -> None:
    assert len(packed("<tr><td>1.234 ms</td></tr>" * 1000)) < 500


def test_parts_have_names_of_their_own() -> None:
    packing = Packing()
    names = [packing.keep("a"), packing.keep_all({"k": "<b>"}), packing.keep("a")]
    assert len(set(names)) == 3
    assert json.loads(unpacked(packing.blocks[names[1]])) == {"k": "<b>"}
