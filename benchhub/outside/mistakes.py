"""What pydantic found wrong with a value, in the words of the rest of benchhub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchhub.errors import one_of

#: What users call things that become parts of commands and files.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
#: By the type of the mistake; what is not told here is told in pydantic's words.
_WORDS: Mapping[str, str] = {
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "int_parsing_size": "should be a whole number of fewer digits",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "finite_number": "should be a finite number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "string_type": "should be a text",
    "path_type": "should be a path",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
    "missing": "is missing",
}


def _with(words: str, key: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: words.format(_number(context.get(key)))


_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": _with("should be more than {}", "gt"),
    "greater_than_equal": _with("should be {} or more", "ge"),
    "less_than": _with("should be less than {}", "lt"),
    "less_than_equal": _with("should be {} or less", "le"),
    "multiple_of": _with("should be a multiple of {}", "multiple_of"),
    "too_short": _with("should have {} items or more", "min_length"),
    "too_long": _with("should have {} items or fewer", "max_length"),
    "string_too_short": _with("should have {} characters or more", "min_length"),
    "string_too_long": _with("should have {} characters or fewer", "max_length"),
    "string_pattern_mismatch": _with("should be as the pattern {}", "pattern"),
}


def said(mistake: Mapping[str, Any]) -> str:
    """Return what is wrong, of one of a ValidationError's `errors()`; names what would be right."""
    kind, context = str(mistake["type"]), mistake.get("ctx") or {}
    if kind == "literal_error":
        given = mistake.get("input")
        choices = _choices(str(context.get("expected", "")))
        return one_of(given if isinstance(given, str) else "", choices)
    if kind == "string_pattern_mismatch" and context.get("pattern") == NAME:
        return "should have letters, digits, and . _ + - in it, a letter or digit first"
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _LIMITS and context:
        return _LIMITS[kind](context)
    message = str(mistake["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].lower() + message[1:]


def _choices(expected: str) -> list[str]:
    """Return the words in `'a', 'b' or 'c'`, as pydantic lists them."""
    return [one.strip().strip("'\"") for one in expected.replace(" or ", ", ").split(", ")]


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)
