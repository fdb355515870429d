"""What is said, in one line, of words that a verb does not take: which ones it does, and where."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from benchhub.errors import nearest, one_of

_NO_COMMAND = re.compile(r"No such command '(.*?)'\.", re.DOTALL)
_TOO_MANY = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)
_NO_VALUE = re.compile(r"Option '(.*?)' requires")
_NEEDS_NONE = re.compile(r"Option '(.*?)' does not take a value")
_NUMBERS = {int: "a whole number", float: "a number"}


def refused(error: Any, words: Sequence[str]) -> str:
    """Return the line for what typer raised of `words`; empty where it has shown the help."""
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        return ""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "benchhub"
    line = _line(error, kind, path, context, words)
    if context is None:
        return line
    return f"{line}{'' if line.endswith('?') else ';'} `{path} --help` shows all"


def _line(error: Any, kind: str, path: str, context: Any, words: Sequence[str]) -> str:
    if kind == "NoSuchOption":
        return f"{path} has no option {error.option_name}{_near(error, context)}"
    parameter = getattr(error, "param", None)
    if kind == "MissingParameter" and parameter is not None:
        return f"{path} needs {_named(parameter)}: {_help(parameter)}"
    if parameter is not None:
        return _wrong(error, parameter, context, words)
    return _of_usage(error, path, context)


def _of_usage(error: Any, path: str, context: Any) -> str:
    message = str(error.message)
    if found := _NO_COMMAND.search(message):
        known = getattr(context.command, "commands", {}) if context is not None else {}
        return f"{path} has no verb {found[1]}{nearest(found[1], known)}"
    if found := _TOO_MANY.match(message):
        return f"{path} takes no more words, as {found[1]}"
    if found := _NO_VALUE.match(message):
        return f"{found[1]} needs a value"
    if found := _NEEDS_NONE.match(message):
        return f"{found[1]} takes no value"
    if message.startswith("Missing command"):
        return f"{path} needs a verb: {', '.join(getattr(context.command, 'commands', {}))}"
    return message.removeprefix("Value error, ")  # of benchhub's own


def _near(error: Any, context: Any) -> str:
    """Return the option that may have been meant."""
    if context is None:
        return ""
    known = [name for one in context.command.params for name in one.opts + one.secondary_opts]
    said = nearest(error.option_name, [name for name in known if name.startswith("--")])
    return said if "did you mean" in said else ""


def _wrong(error: Any, parameter: Any, context: Any, words: Sequence[str]) -> str:
    """Return what is wrong with a value: which one would be right, the nearest first."""
    of = _type(parameter, context)
    given = list(_given(parameter, words))
    quoted = re.match(r"(?:Value error, )?'(.*?)'", str(error.message), re.DOTALL)
    if isinstance(of, type) and issubclass(of, enum.Enum):
        choices = [str(one.value) for one in of]
        bad = next((one for one in given if one not in choices), quoted[1] if quoted else "")
        return f"{_named(parameter)} {bad}: {one_of(bad, choices)}"
    if of in _NUMBERS:
        bad = next((one for one in given if not _fits(one, of, parameter)), "")
        bad = bad or (quoted[1] if quoted else "")
        return f"{_named(parameter)} {bad}: should be {_NUMBERS[of]}{_limits(parameter)}"
    message = str(error.message).removeprefix("Value error, ")
    return f"{_named(parameter)}: {message[:1].lower() + message[1:].rstrip('.')}"


def _named(parameter: Any) -> str:
    """Return an option's longest name, or an argument's in capitals."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name.upper()).strip("[].")


def _help(parameter: Any) -> str:
    said = str(getattr(parameter, "help", "") or "a value")
    return said[:1].lower() + said[1:] if not said[1:2].isupper() else said


def _type(parameter: Any, context: Any) -> Any:
    """Return what a verb's function takes there, of a list what it holds."""
    callback = getattr(context.command, "callback", None) if context is not None else None
    function = getattr(callback, "__wrapped__", callback)
    try:
        of = typing.get_type_hints(function).get(parameter.name)
    except (TypeError, NameError):
        return None
    return typing.get_args(of)[0] if typing.get_origin(of) is list else of


def _given(parameter: Any, words: Sequence[str]) -> Iterator[str]:
    """Yield the values that were typed after an option."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in parameter.opts:
            if equals:
                yield value
            elif place + 1 < len(words):
                yield words[place + 1]


def _ends(parameter: Any) -> tuple[float | None, float | None]:
    for about in (parameter, getattr(parameter, "type", None), _info(parameter)):
        low, high = getattr(about, "min", None), getattr(about, "max", None)
        if low is not None or high is not None:
            return low, high
    return None, None


def _info(parameter: Any) -> Any:
    return getattr(getattr(parameter, "type_descriptor", None), "parameter_info", None)


def _limits(parameter: Any) -> str:
    low, high = _ends(parameter)
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return (
        f" from {low:g} on" if low is not None else f" up to {high:g}" if high is not None else ""
    )


def _fits(text: str, of: Any, parameter: Any) -> bool:
    try:
        value = of(text)
    except ValueError:
        return False
    low, high = _ends(parameter)
    return (low is None or value >= low) and (high is None or value <= high)
