"""JSON of others is read as it is, but for what is nested deeper than anybody's."""

from __future__ import annotations

import json

import pytest

from benchhub.outside.foreign.bounds import read_bounded


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("text", [nested(63), nested(63, '{"a":', "}"), json.dumps([[1]] * 500)])
def test_what_is_nested_as_others_are_is_read_as_it_is(text: str) -> None:
    assert read_bounded(text) == read_bounded(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", [nested(64), nested(64, '{"a":', "}"), f"[1, {nested(63)}]"])
def test_what_is_nested_deeper_is_refused_however_it_is_written(text: str) -> None:
    for one in (text, text.encode()):
        with pytest.raises(ValueError, match="nested more than 64 deep"):
            read_bounded(one)


def test_brackets_in_texts_are_no_depth() -> None:
    assert read_bounded(json.dumps({"a": "[" * 1000})) == {"a": "[" * 1000}


@pytest.mark.parametrize(
    "number", [10**19 * 2, -(10**19), 10**400], ids=["of-20-digits", "negative", "of-401-digits"]
)
def test_whole_numbers_beyond_64_bits_are_refused_wherever_they_stand(number: int) -> None:
    for text in (f"[[{number}]]", f'{{"a": {{"b": {number}}}}}'):
        for one in (text, text.encode()):
            with pytest.raises(ValueError, match="more than 64 bits"):
                read_bounded(one)


@pytest.mark.parametrize("text", ["18446744073709551615", "[0.12345678901234567890]", '"1e99"'])
def test_long_numbers_that_fit_are_read(text: str) -> None:
    assert read_bounded(text) == json.loads(text)


def test_digits_in_texts_are_no_numbers() -> None:
    assert read_bounded('{"a": "123456789012345678901234567890"}')["a"].startswith("1234")
