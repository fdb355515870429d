"""The page of the command line, read off what Typer was given, not off what it prints."""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from benchhub import cli
from benchhub.cli.typed.examples import EXAMPLES
from benchhub.pytest_plugin.options import add_options
from reference_pages.markdown import code, codes, page, section, table, value

_TYPES = {str: "TEXT", int: "INTEGER", float: "FLOAT", Path: "PATH"}


def verbs(app: typer.Typer, path: str = "benchhub") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every command with its function, those of groups after the plain ones."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield f"{path} {name}", command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from verbs(group.typer_instance, f"{path} {group.name}")


def parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Any, ParameterInfo]]:
    """Yield name, type and description of what a command takes."""
    hints = typing.get_type_hints(function)
    for name, one in inspect.signature(function).parameters.items():
        yield name, hints[name], one.default


def spelling(name: str, kind: Any, about: ParameterInfo) -> str:
    """Return how an argument or option is written on the command line."""
    if isinstance(about, ArgumentInfo):
        return code(about.metavar or f"{name.upper()}{'..' if _is_list(kind) else ''}")
    flags = [one for one in about.param_decls or () if one.startswith("-")]
    if not flags:
        flags = [f"--{name.replace('_', '-')}"]
        if kind is bool:
            flags.append(f"--no-{name.replace('_', '-')}")
    if kind is bool:
        return codes(flags)
    return ", ".join([*map(code, flags[:-1]), code(f"{flags[-1]} {_metavar(name, kind, about)}")])


def meaning(kind: Any, about: ParameterInfo) -> str:
    """Return what a parameter says, with its choices and limits and where else it is read from."""
    of = _item(kind)
    more = []
    if isinstance(of, type) and issubclass(of, enum.Enum):
        more.append(codes(one.value for one in of))
    if about.min is not None or about.max is not None:
        ends = [f"at least {about.min:g}" if about.min is not None else ""]
        ends += [f"at most {about.max:g}" if about.max is not None else ""]
        more.append(", ".join(filter(None, ends)))
    if about.envvar:
        more.append(f"from {code(about.envvar)} where it is set")
    return "; ".join([about.help or "", *more])


def command_line() -> str:
    """Return the page of every verb and its options."""
    whole = [
        section(
            code(path), _usage(path, function), _about(function), _table(function), *_examples(path)
        )
        for path, function in _sorted()
    ]
    groups = {one.name: str(one.typer_instance.info.help) for one in cli.app.registered_groups}  # type: ignore[union-attr]
    listed = table(
        ("verb", "what it does"),
        [
            (f"[{code(path)}](#{_anchor(path)})", _about(of).split("\n\n")[0])
            for path, of in _sorted()
        ],
    )
    return page(
        "Command line",
        str(cli.app.info.help),
        "Results go to stdout, everything else to stderr. What verbs return is in"
        " [exit codes](exit-codes.md).",
        listed,
        table(("group", ""), [(code(f"benchhub {name}"), text) for name, text in groups.items()]),
        section(code("benchhub"), "", _table(_root())),
        *whole,
        section(
            "pytest",
            "Options of the plugin. Each is an ini entry, too, with underscores and without the"
            " dashes in front.",
            table(("option", "choices", "meaning"), plugin_options()),
        ),
    )


def plugin_options() -> list[tuple[str, str, str]]:
    """Return what the pytest plugin adds to pytest's own options."""
    found: list[tuple[str, str, str]] = []

    class Recorder:
        def getgroup(self, *_: Any) -> Recorder:
            return self

        def addoption(self, name: str, *, help: str, choices: Any = None, **_: Any) -> None:  # noqa: A002
            found.append((code(name), codes(choices or ()), help))

        def addini(self, *_: Any, **__: Any) -> None:
            pass

    add_options(Recorder())  # type: ignore[arg-type]
    return found


def _root() -> Callable[..., Any]:
    callback = cli.app.registered_callback
    assert callback is not None
    assert callback.callback is not None
    return callback.callback


def _sorted() -> list[tuple[str, Callable[..., Any]]]:
    return sorted(verbs(cli.app), key=lambda one: one[0])


def _usage(path: str, function: Callable[..., Any]) -> str:
    words = [path, "[OPTIONS]"]
    for name, kind, about in parameters(function):
        if isinstance(about, ArgumentInfo):
            shown = spelling(name, kind, about).strip("`")
            words.append(shown if about.default is ... else f"[{shown}]")
    return f"    {' '.join(words)}"


def _about(function: Callable[..., Any]) -> str:
    return inspect.getdoc(function) or ""


def _examples(path: str) -> tuple[str, str]:
    shown = EXAMPLES[path.partition(" ")[2]]
    lines = [
        line for one in shown.examples for line in (f"    # {one.about}", f"    {one.command}")
    ]
    page = shown.page.removeprefix("docs/")
    link = page.removeprefix("reference/") if page.startswith("reference/") else f"../{page}"
    return "\n".join(lines), f"Read on: [{page}]({link})."


def _table(function: Callable[..., Any]) -> str:
    rows = []
    for name, kind, about in parameters(function):
        required = about.default is ...
        default = "" if about.show_default is False else value(_plain(about.default))
        rows.append(
            (
                spelling(name, kind, about),
                "required" if required else "" if kind is bool and not about.default else default,
                meaning(kind, about),
            )
        )
    return table(("", "default", "meaning"), rows)


def _plain(default: Any) -> Any:
    if default is ...:
        return None
    return default.value if isinstance(default, enum.Enum) else default


def _metavar(name: str, kind: Any, about: ParameterInfo) -> str:
    if isinstance(about, OptionInfo) and about.metavar:
        return about.metavar
    return _TYPES.get(_item(kind), name.upper())


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) is list


def _item(kind: Any) -> Any:
    return typing.get_args(kind)[0] if _is_list(kind) else kind


def _anchor(path: str) -> str:
    return path.replace(" ", "-")
