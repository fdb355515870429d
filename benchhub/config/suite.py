"""Suite and profile files, TOML to model: the only reader of what users write.

A mistake is a ConfigError of one line: file, key (lists count from 0), what is wrong, and the
nearest known name.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from benchhub.config.claims import read_claims
from benchhub.config.fleet.words import words_of
from benchhub.config.folders import expanded
from benchhub.config.power import power
from benchhub.config.schema import (
    BudgetsFile,
    BudgetTable,
    ProfileFile,
    ScenariosTable,
    ScenarioTable,
    SuiteFile,
    VariantTable,
)
from benchhub.config.toml_file import tables
from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Agreement, Arrangement, Budget, ScenarioSpec, Suite, VariantSpec
from benchhub.model.device import DeviceProfile
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.recipe import Recipe
from benchhub.model.scenario import TIMED, Scenario
from benchhub.outside.masked import all_masked
from benchhub.outside.mistakes import said
from benchhub.text import abridged

T = TypeVar("T", bound=BaseModel)
V = TypeVar("V", int, float, str)

#: pydantic puts the branch of a union it tried, or that it is about a key, into the path; a user
#: did not write it.
_UNION_BRANCHES = {"int", "str", "constrained-int", "[key]"}
#: Of what was written so many characters are shown.
_SHOWN = 200


def load_suite(path: Path) -> Suite:
    """Return the suite in a TOML file; ConfigError if it cannot be used."""
    parsed = parse(SuiteFile, path)
    table = parsed.suite
    variants = tuple(_variant(entry, path) for entry in parsed.variants)
    names = [variant.name for variant in variants]
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigError(f"{path}: variant {name} is defined twice; rename one")
    there = frozenset(names)
    for key, wanted in [
        ("suite.baseline", table.baseline),
        *((f"variants.{v.name}.from", v.source) for v in variants if v.source),
        *((f"variants.{v.name}.against", v.against) for v in variants if v.against),
    ]:
        if wanted not in there:
            raise ConfigError(f"{path}: {key}: no variant {wanted}{nearest(wanted, names)}")
    scenarios = _scenarios(parsed.scenarios, path)
    budgets = tuple(_budget(entry, index, path) for index, entry in enumerate(parsed.budgets))
    swept = frozenset(str(threads) for spec in scenarios for threads in spec.threads)
    backends = frozenset(table.backends)
    selectors = [(f"variants.{v.name}.backends", v.backends, backends) for v in variants]
    for index, budget in enumerate(budgets):
        where = f"budgets[{index}]"
        selectors += [
            (f"{where}.variants", budget.variants, there),
            (f"{where}.backends", budget.backends, backends),
            (f"{where}.threads", tuple(map(str, budget.threads)), swept),
        ]
    for key, chosen, known in selectors:
        for wanted in sorted(set(chosen) - known):
            raise ConfigError(f"{path}: {key}: {wanted} is not in it{nearest(wanted, known)}")
    for budget in budgets:
        if not budget.limits:
            raise ConfigError(f"{path}: budget {budget.name} sets no limit; add one, or remove it")
    return Suite(
        name=table.name,
        path=path,
        task=table.task,
        baseline=table.baseline,
        backends=tuple(table.backends),
        variants=variants,
        scenarios=scenarios,
        budgets=budgets,
        effort=table.effort,
        data=parsed.data,
        precisions=_several(cast("str | list[str]", table.precision)),
        agreement=Agreement(parsed.agreement.max_relative),
        seed=table.seed,
        deadline_s=table.deadline_s,
        options=parsed.options,
        requires_selftest=table.requires_selftest,
        baseline_below_chance=table.baseline_below_chance,
        ends_early=table.ends_early,
        reference_device=_reference_device(parsed, path),
        claims=read_claims(parsed.claims, names, table.backends, path),
    )


def _reference_device(parsed: SuiteFile, path: Path) -> str | None:
    """Return whose answers are the reference: None: a run's only device, "" the controller's."""
    named = parsed.suite.reference_device
    if parsed.suite.reference != "device":
        if named is None:
            return ""
        raise ConfigError(
            f"{path}: suite.reference_device changes nothing where the controller computes the"
            ' reference; add reference = "device"'
        )
    if parsed.scenarios.quality is None:
        raise ConfigError(
            f'{path}: suite.reference = "device": a launch of quality gives the reference; add'
            " [scenarios.quality]"
        )
    return named


def load_budgets(path: Path) -> tuple[Budget, ...]:
    """Return the budgets of a suite file or of a file that holds only `[[budgets]]`."""
    raw = tables(path)
    if "suite" in raw:
        return load_suite(path).budgets
    parsed = validated(BudgetsFile, raw, path)
    return tuple(_budget(entry, index, path) for index, entry in enumerate(parsed.budgets))


def check_budget(raw: Mapping[str, Any], told: Path) -> Budget:
    """Return the budget in the keys of a `[[budgets]]` table; ConfigError, naming `told`."""
    try:
        parsed = validated(BudgetsFile, {"budgets": [raw]}, told)
    except ConfigError as error:  # what was typed is in no list
        raise ConfigError(str(error).replace(f"{told}: budgets[0].", f"{told} ")) from None
    return _budget(parsed.budgets[0], 0, told)


def _root(text: str, path: Path) -> str:
    """Return a device's root, its home as ~ however it is written; ConfigError for other names."""
    root = re.sub(r"^(\$HOME|\$\{HOME\})(?=/|$)", "~", text)
    if "$" in root or (root.startswith("~") and root[1:2] not in ("", "/")):
        raise ConfigError(
            f"{path}: device.root {text!r}: of what the device knows only ~ and $HOME at its "
            "beginning are filled in; write the path"
        )
    return root


def load_profile(path: Path) -> DeviceProfile:
    """Return the device profile in a TOML file; ConfigError if it cannot be used."""
    return as_profile(parse(ProfileFile, path), path)


def as_profile(parsed: ProfileFile, path: Path) -> DeviceProfile:
    """Return the profile that tables of the file at `path` say; ConfigError if it cannot be."""
    device, limits = parsed.device, parsed.limits
    if device.transport == "ssh" and not device.host:
        raise ConfigError(f"{path}: device.host is missing; transport ssh needs a host to go to")
    return DeviceProfile(
        name=device.name,
        transport=device.transport,
        host=device.host,
        port=device.port,
        user=device.user,
        host_key=device.host_key,
        identity_file=_relative(device.identity_file, path),
        proxy_jump=device.proxy_jump,
        ssh_config=_relative(device.ssh_config, path),
        ciphers=tuple(device.ciphers),
        python=device.python,
        root=_root(device.root, path),
        emulated=device.emulated,
        machine=device.machine,
        connect_timeout_s=device.connect_timeout_s,
        lease_wait_s=device.lease_wait_s,
        max_temperature_c=limits.max_temperature_c,
        cooldown_s=limits.cooldown_s,
        max_load=limits.max_load,
        reboot_wait_s=limits.reboot_wait_s,
        power=power(parsed.power, path),
        labels=all_masked(parsed.labels),
        path=path,
    )


#: What is said of a model file; see `Arrangement`.
_OF_FILES = ("inputs", "outputs", "layout", "batch_axis", "rows", "state")


def _variant(entry: VariantTable, path: Path) -> VariantSpec:
    recipe = entry.recipe
    if isinstance(recipe, str):
        recipe = {"name": recipe}
    if (entry.model is None) == (recipe is None):
        raise ConfigError(
            f"{path}: variant {entry.name} needs either `model` (a file)"
            " or `recipe` (how to make it) and, for most recipes, `from`"
        )
    if recipe is None:
        return VariantSpec(
            entry.name,
            model=_relative(entry.model, path),
            backends=tuple(entry.backends),
            against=entry.against,
            approximates=entry.approximates,
            arrangement=Arrangement(
                entry.inputs,
                entry.outputs,
                entry.layout,
                {name: None if axis is False else axis for name, axis in entry.batch_axis.items()},
                entry.state,
                entry.rows,
            ),
        )
    if "approximates" in entry.model_fields_set:
        raise ConfigError(
            f"{path}: variant {entry.name}: approximates is for model files, of what recipes make"
            " they tell themselves; remove it"
        )
    for key in _OF_FILES:
        if key in entry.model_fields_set:
            raise ConfigError(
                f"{path}: variant {entry.name}: {key} is for model files, what recipes make has"
                " that of the variant in `from`; remove it"
            )
    options = {key: value for key, value in recipe.items() if key != "name"}
    name = recipe.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{path}: variant {entry.name}: recipe.name is missing")
    return VariantSpec(
        entry.name,
        source=entry.source,
        recipe=Recipe(name, options),
        backends=tuple(entry.backends),
        against=entry.against,
    )


#: Settings that only some scenarios have.
_ONLY = {
    "concurrency": (Scenario.THROUGHPUT, Scenario.PACED),
    "rate_per_s": (Scenario.PACED,),
    "arrivals": (Scenario.PACED,),
    "cases": (Scenario.QUALITY,),
    "shapes": tuple(one for one in Scenario if one is not Scenario.QUALITY),
    "own_launches": (Scenario.MEMORY, Scenario.COLD_START),
}


def _scenarios(tables: ScenariosTable, path: Path) -> tuple[ScenarioSpec, ...]:
    found = tuple(
        _scenario(Scenario(name), entry, path) for name, entry in tables if entry is not None
    )
    judged = tables.quality
    return _judged_where_timed(found) if judged and judged.batch is None else found


def _scenario(scenario: Scenario, entry: ScenarioTable, path: Path) -> ScenarioSpec:
    for key, meant in _ONLY.items():
        if getattr(entry, key) is not None and scenario not in meant:
            where = " and ".join(meant) + " has"
            if len(meant) > 2:
                where = "the other scenarios have"
            raise ConfigError(f"{path}: scenarios.{scenario}.{key}: only {where} that setting")
    if scenario is Scenario.PACED and entry.rate_per_s is None:
        raise ConfigError(
            f"{path}: scenarios.paced.rate_per_s is missing; say how many calls arrive a second"
        )
    return ScenarioSpec(
        scenario=scenario,
        batches=_several(entry.batch or 1),
        threads=_several(entry.threads),
        cases=entry.cases,
        launches=entry.launches,
        iterations=entry.iterations,
        max_timed_s=entry.max_timed_s,
        concurrency=_several(entry.concurrency or 1),
        rates_per_s=() if entry.rate_per_s is None else _several(entry.rate_per_s),
        arrivals=entry.arrivals or "poisson",
        shapes=tuple(entry.shapes or ()),
        own_launches=bool(entry.own_launches),
    )


def _judged_where_timed(scenarios: tuple[ScenarioSpec, ...]) -> tuple[ScenarioSpec, ...]:
    """Return the scenarios with quality at every batch that calls are timed at.

    Answers may depend on the batch, so what is timed at one is judged there. Where nothing is
    timed, the batches of what else is measured count.
    """
    others = [spec for spec in scenarios if spec.scenario is not Scenario.QUALITY]
    timed = [spec for spec in others if spec.scenario in (*TIMED, Scenario.COLD_START)]
    batches = {batch for spec in timed or others for batch in spec.batches} or {1}
    return tuple(
        dataclasses.replace(spec, batches=tuple(sorted(batches)))
        if spec.scenario is Scenario.QUALITY
        else spec
        for spec in scenarios
    )


def _budget(entry: BudgetTable, index: int, path: Path) -> Budget:
    try:
        words_of(entry.devices)
    except ConfigError as error:
        raise ConfigError(f"{path}: budgets[{index}].devices: {error}") from None
    limits = {key: getattr(entry, key) for key in BUDGET_KEYS}
    return Budget(
        name=entry.name or f"budgets[{index}]",
        devices=tuple(entry.devices),
        variants=tuple(entry.variants),
        backends=tuple(entry.backends),
        threads=_several(entry.threads) if entry.threads is not None else (),
        limits={key: limit for key, limit in limits.items() if limit is not None},
        paced_min_rate_per_s=entry.paced_min_rate_per_s,
        quality_loss_relative=entry.quality_loss_relative,
        quality_min_cases=entry.quality_min_cases,
        rare_launches=entry.rare_launches,
    )


def _several(value: V | list[V]) -> tuple[V, ...]:
    return tuple(dict.fromkeys(value)) if isinstance(value, list) else (value,)


def _relative(value: Path | None, file: Path) -> Path | None:
    if value is None:
        return None
    value = expanded(value)
    return value if value.is_absolute() else file.parent / value


def parse(kind: type[T], path: Path) -> T:
    """Return the tables of a TOML file; ConfigError, with its path and key, for what they say."""
    return validated(kind, tables(path), path)


def validated(kind: type[T], raw: Mapping[str, Any], path: Path) -> T:
    """Return the tables that the file at `path` has; ConfigError, with its key, for a mistake."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        # One line for the first mistake: fixing it often removes the others.
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{path}: {_explain(kind, first)}") from None


def _explain(kind: type[BaseModel], mistake: Mapping[str, Any]) -> str:
    where = ""
    for part in mistake["loc"]:
        if isinstance(part, int):
            where += f"[{part}]"
        elif part not in _UNION_BRANCHES and not part.startswith(("list[", "dict[", "literal[")):
            where += f".{part}" if where else part
    if mistake["type"] == "extra_forbidden":
        table = _table_at(kind, mistake["loc"][:-1])
        return f"{where} is unknown{nearest(str(mistake['loc'][-1]), table)}"
    if mistake["type"] == "missing":
        return f"{where} is missing"
    given = abridged(repr(mistake["input"]), _SHOWN)
    return f"{where} = {given}: {said(mistake)}" if where else said(mistake)


def _table_at(kind: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table at `loc` knows, under the names users write."""
    schema: Any = kind.model_json_schema(by_alias=True)
    definitions, here = schema.get("$defs", {}), schema
    for part in loc:
        chosen = here.get("patternProperties", {}).values()  # of tables whose keys users choose
        named = next(iter(chosen), here.get("additionalProperties") or {})
        here = here.get("items" if isinstance(part, int) else "properties", {})
        here = here if isinstance(part, int) else here.get(part, named)
        for choice in here.get("anyOf", [here]):
            if "$ref" in choice:
                here = definitions[choice["$ref"].rpartition("/")[2]]
    return list(here.get("properties", {}))
