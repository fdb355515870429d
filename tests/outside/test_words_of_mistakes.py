"""What pydantic finds is told in benchhub's words, and in none of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from benchhub.config.schema import Name
from benchhub.outside.mistakes import said


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("Even numbers are not taken")
    return value


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Annotated[int, Field(strict=True)], "x", "should be a whole number"),
        (int, "x", "should be a whole number"),
        (float, "x", "should be a number"),
        (Annotated[float, Field(gt=0)], 0, "should be more than 0"),
        (Annotated[float, Field(le=0.5)], 0.7, "should be 0.5 or less"),
        (Annotated[float, Field(allow_inf_nan=False)], float("inf"), "should be a finite number"),
        (Annotated[bool, Field(strict=True)], 1, "should be true or false"),
        (str, 3, "should be a text"),
        (list[int], 3, "should be a list"),
        (dict[str, int], 3, "should be a table"),
        (Annotated[list[int], Field(min_length=2)], [1], "should have 2 items or more"),
        (Literal["a-b", "c"], "d", "should be a-b or c"),
        (Literal["quick", "rigorous"], "quik", "should be quick or rigorous; did you mean quick?"),
        (Literal["rigorous", "quick"], "quik", "should be quick or rigorous; did you mean quick?"),
        (Literal["only"], "x", "should be only"),
        (Name, "a/b", "should have letters, digits, and . _ + - in it, a letter or digit first"),
        (Annotated[int, AfterValidator(_odd)], 2, "even numbers are not taken"),
    ],
)
def test_each_kind(kind: Any, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert said(caught.value.errors()[0]) == words
    assert said({**caught.value.errors()[0], "input": None}).startswith(words[:9])
