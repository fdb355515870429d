"""The pages of what users write: suites with what they name, and device profiles."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from benchhub.config import schema
from benchhub.config.catalogue import SHIPPED, TEMPLATE_HOST
from benchhub.config.fleet import tables
from benchhub.config.suite import load_profile
from benchhub.model.asked import EFFORTS
from benchhub.model.scenario import Scenario
from benchhub.ondevice import backends
from benchhub.run.planning.plan import usual
from reference_pages.markdown import code, codes, page, section, table, value

#: The tables of each file, in the order they are read.
SUITE = (
    schema.SuiteFile, schema.SuiteTable, schema.VariantTable, schema.ScenariosTable,
    schema.ScenarioTable, schema.BudgetTable, schema.ClaimTable, schema.ClaimPartTable,
    schema.SelectorTable, schema.AskTable, schema.AgreementTable, schema.BudgetsFile,
)  # fmt: skip
PROFILE = (schema.ProfileFile, schema.DeviceTable, schema.LimitsTable, schema.PowerTable)
FLEET = (tables.FleetFile, tables.GroupTable, tables.MemberTable)
_HEADINGS = {
    "FleetFile": "The file",
    "SuiteFile": "The file",
    "ProfileFile": "The file",
    "BudgetsFile": "A file of budgets alone",
    "SelectorTable": "`over` and `minus`",
    "AskTable": "`ask` and `where`",
}
_TYPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "object": "table",
}  # fmt: skip


def suites() -> str:
    """Return the page of a suite's keys, with efforts and the options of backends."""
    return page(
        "Keys of a suite",
        "A `suite.toml`; `benchhub init` writes one with comments. The keys of `[data]` are the"
        " [task's](tasks.md), those of a `recipe` the [recipe's](recipes.md).",
        *(_model(one) for one in SUITE),
        section("`[options.BACKEND]`", "A list is a sweep.", _options()),
        section("Efforts", "What a suite does not say, `suite.effort` does.", _efforts()),
    )


def profiles() -> str:
    """Return the page of a profile's keys, and of the profiles that ship."""
    rows = []
    for path in sorted((SHIPPED / "device_profiles").glob("*.toml")):
        profile = load_profile(path)
        limits = _model_limits(dataclasses.asdict(profile))
        template = "a template" if profile.host == TEMPLATE_HOST else profile.transport
        labels = ", ".join(f"{key} {text}" for key, text in profile.labels.items())
        rows.append((code(profile.name), template, limits, labels))
    return page(
        "Keys of a device profile",
        "A file in `device_profiles/`; `benchhub devices enroll` writes it.",
        *(_model(one) for one in PROFILE),
        section("Profiles that ship", table(("name", "", "limits", "labels"), rows)),
    )


def fleet() -> str:
    """Return the page of a fleet file's keys."""
    return page(
        "Keys of a fleet file",
        "A `fleet.toml`, in the project's folder or in its `device_profiles/`; `benchhub init`"
        " writes one with comments. The tables in it are those of a [profile](profiles.md).",
        *(_model(one) for one in FLEET),
    )


def keys(model: type[BaseModel]) -> Mapping[str, Mapping[str, Any]]:
    """Return the keys of a table under the names that users write, each as JSON Schema."""
    found: Mapping[str, Mapping[str, Any]] = model.model_json_schema(by_alias=True)["properties"]
    return found


def _model(model: type[BaseModel]) -> str:
    base = next((one for one in model.__mro__[1:] if one in SUITE), None)
    required = set(model.model_json_schema(by_alias=True).get("required", ()))
    rows = [
        (
            code(key),
            _type(about),
            "required" if key in required else value(about.get("default")),
            about.get("description", ""),
        )
        for key, about in keys(model).items()
        if base is None or key not in keys(base)
    ]
    heading, said = _heading(model)
    more = f"Besides, it has what {_heading(base)[0]} has." if base else ""
    return section(heading, said, table(("key", "type", "default", "meaning"), rows), more)


def _heading(model: type[BaseModel]) -> tuple[str, str]:
    """Return what a table is called, and what is said of it."""
    doc = " ".join((inspect.getdoc(model) or "").split())
    if model.__name__ in _HEADINGS:
        return _HEADINGS[model.__name__], doc
    heading, _, said = doc.partition(": ")
    return heading, said[:1].upper() + said[1:]


def _type(about: Mapping[str, Any]) -> str:
    if "anyOf" in about:
        kinds = [one for one in about["anyOf"] if one.get("type") != "null"]
        if len(kinds) == 2 and kinds[1].get("items") == kinds[0]:
            return f"{_type(kinds[0])}; or a list"
        return " or ".join(map(_type, kinds))
    if "enum" in about:
        return "a [quantity](quantities.md)" if len(about["enum"]) > 9 else codes(about["enum"])
    if about.get("type") == "array":
        many = f"{_type(about['items'])}s"
        return f"two {many}" if about.get("maxItems") == 2 else f"list of {many}"
    kind = _TYPES.get(about.get("type", "object"), "any")
    return ", ".join([kind, *_limits(about)])


def _limits(about: Mapping[str, Any]) -> list[str]:
    words = {
        "minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
    }  # fmt: skip
    return [f"{text} {about[name]:.12g}" for name, text in words.items() if name in about]


def _model_limits(profile: Mapping[str, Any]) -> str:
    usual = {key: about.get("default") for key, about in keys(schema.LimitsTable).items()}
    return codes(
        f"{key} = {profile[key]:g}" for key, default in usual.items() if profile[key] != default
    )


def _options() -> str:
    rows = []
    for name in sorted(backends.own_names()):
        one = backends.described(name)
        for key, option in {} if one.for_tests else one.options.items():
            choices = codes(option.choices) or _TYPES[_json_type(option.default)]
            if option.least is not None:
                choices += f", at least {option.least}"
            needs = option.needs and code(f"{option.needs[0]} = {option.needs[1]}")
            words = f"{option.words}; with {needs} only" if needs else option.words
            rows.append((code(name), code(key), choices, _default(option.default), words))
    return table(("backend", "key", "values", "default", "meaning"), rows)


def _default(default: Any) -> str:
    return value(default) or code(default)


def _json_type(default: Any) -> str:
    return {bool: "boolean", int: "integer", float: "number", str: "string"}[type(default)]


def _efforts() -> str:
    """Return a row an effort, its launches in a column for each group of scenarios alike."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for scenario in Scenario:
        launches = tuple(usual(scenario, one)[0] for one in EFFORTS.values())
        alike.setdefault(launches, []).append(scenario.value)
    rows = [
        (
            code(one.name),
            *(str(launches[index]) for launches in alike),
            str(one.iterations),
            f"{one.max_timed_s:g}",
            str(one.most_launches or ""),
            f"{one.max_cell_s:g}" if one.max_cell_s else "",
        )
        for index, one in enumerate(EFFORTS.values())
    ]
    heads = (
        "effort", *(f"launches of {', '.join(names)}" for names in alike.values()),
        "timed calls of a latency launch", "seconds a launch",
        "most launches of an open cell", "seconds of an open cell",
    )  # fmt: skip
    return table(heads, rows)
