"""What pages take from an address's query."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from benchhub.serve.site import page_number, words_of


def asked(query: bytes) -> Request:
    return Request({"type": "http", "query_string": query, "headers": []})


@pytest.mark.parametrize(
    ("query", "words"), [(b"q=%00", ""), (b"q=%00%20pi%00%00", "pi"), (b"q=%20edge%20", "edge")]
)
def test_words_hold_no_zero_bytes(query: bytes, words: str) -> None:
    assert words_of(asked(query)) == words


@pytest.mark.parametrize("page", ["-1", "x", "%00", "9999999999999", "%C2%B2", "0"])
def test_a_page_that_is_no_number_is_the_first(page: str) -> None:
    assert page_number(asked(f"page={page}".encode())) == 1
