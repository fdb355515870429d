"""The pages of what variants and tasks are made with, and of what others may add."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchhub.compress import RECIPES, Option, RecipeEntry
from benchhub.outside import EXTENSIONS, VARIABLES
from benchhub.tasks import TASKS
from benchhub.tasks.metrics import MEANINGS, METRICS, MODULES, get_metric
from benchhub.tasks.predictions import PREDICTIONS, get_prediction
from benchhub.tasks.settings import EVERYWHERE
from reference_pages.markdown import code, codes, page, section, sentence, table, value


def recipes() -> str:
    """Return the page of every recipe with its options."""
    return page(
        "Recipes",
        'How a variant is made: `recipe = { name = "int8-static", calibration_cases = 64 }`.'
        " `benchhub compress` makes a single one.",
        table(
            ("recipe", "reads", "writes", "what it makes", "takes", "extra"),
            [
                (
                    f"[{code(name)}](#{name})",
                    ", ".join(one.reads) or "nothing",
                    one.writes,
                    one.words,
                    _takes(one),
                    code(one.extra) if one.extra else "",
                )
                for name, one in RECIPES.items()
            ],
        ),
        *(_recipe(name, one) for name, one in RECIPES.items()),
    )


def tasks() -> str:
    """Return the page of every task with its keys of `[data]`, and of metrics and predictions."""
    shared = [(code(key), text) for key, text in EVERYWHERE["data"].items()]
    return page(
        "Tasks",
        "A data set, and how outputs on it are judged. Keys are those of `[data]`.",
        table(
            ("task", "what it is"),
            [(f"[{code(name)}](#{name})", _first(TASKS[name])) for name in sorted(TASKS)],
        ),
        section("Every task", table(("key", "meaning"), shared)),
        *(_task(name, import_module(TASKS[name])) for name in sorted(TASKS)),
        section(
            "Metrics",
            "`NAME_worst5`, or another whole per cent, is the mean of the worst 5 % of the cases of"
            " a metric that is a mean over cases.",
            table(
                ("metric", "better", "what it is"),
                [
                    (
                        code(name),
                        "higher" if get_metric(name).higher_is_better else "lower",
                        MEANINGS.get(name, ""),
                    )
                    for name in sorted({*METRICS, *MODULES})
                ],
            ),
        ),
        section(
            "Predictions",
            "What metrics see in place of a model's first output: `predict` of task `npz`.",
            table(
                ("name", "what it is"),
                [(code(name), _returned(get_prediction(name))) for name in sorted(PREDICTIONS)],
            ),
        ),
    )


def _returned(function: Callable[..., Any]) -> str:
    return sentence(inspect.getdoc(function)).removeprefix("Return ")


def environment() -> str:
    """Return the page of the environment variables."""
    rows = [(code(name), of.words, of.on_device) for name, of in VARIABLES.items()]
    return page(
        "Environment variables",
        "What benchhub reads, and what it sets for what it starts or imports. The libraries that it"
        " uses have their own: `NO_COLOR` and `COLUMNS` hold for what is printed, `PIP_*` where"
        " wheels are fetched.",
        *(
            section(
                title,
                table(("variable", "what it says"), [row[:2] for row in rows if row[2] == there]),
            )
            for title, there in (("On the controller", False), ("On a device", True))
        ),
    )


def extension_points() -> str:
    """Return the page of what other distributions may register."""
    return page(
        "Extension points",
        "Entry-point groups: the entry point's name is what suites call it.",
        table(
            ("group", "adds", "its value names", "contract"),
            [(code(k), of.adds, of.value, code(of.contract)) for k, of in EXTENSIONS.items()],
        ),
        "[Adding a backend, a device, a metric](../extending.md) has examples. benchhub itself is a"
        " plugin of pytest, under `pytest11`: its options are on the page of the"
        " [command line](cli.md#pytest).",
    )


def _takes(one: RecipeEntry) -> str:
    found = ["calibration inputs"] if one.calibrates else []
    if one.trains:
        found.append("training cases")
        if isinstance(one.trains, tuple):
            found[-1] += f" with {codes(one.trains)}"
    return ", ".join(found)


def _recipe(name: str, one: RecipeEntry) -> str:
    rows = [(code(key), *_values(option), option.words) for key, option in one.options.items()]
    body = table(("option", "values", "default", "meaning"), rows) if rows else "No options."
    return section(name, f"{one.words[:1].upper()}{one.words[1:]}.", body)


def _values(option: Option) -> tuple[str, str]:
    default = value(option.default) or (code(option.default) if option.default != "" else "empty")
    if option.choices:
        return codes((*option.choices, *(("true", "false") if option.or_bool else ()))), default
    if isinstance(option.default, bool):
        return "true or false", default
    if isinstance(option.default, tuple):
        return "list of texts", "empty"
    if isinstance(option.default, str):
        return "text", default
    kind = "whole number" if isinstance(option.default, int) else "number"
    most = f", at most {option.most:g}" if option.most is not None else ""
    return f"{kind}, at least {option.least:g}{most}", default


def _task(name: str, module: Any) -> str:
    about = _judged(module)
    defaults = _phantom(module)
    rows = [(code(key), value(defaults.get(key)), text) for key, text in module.KEYS.items()]
    nets = [(code(net), options) for net, options in networks(module)]
    return section(
        name,
        _first(TASKS[name]),
        about,
        table(("key", "of the phantom", "meaning"), rows),
        table(("network", "options"), nets) if nets else "It has no network to train.",
    )


def _first(module: str) -> str:
    return sentence(import_module(module).__doc__)


def _judged(module: Any) -> str:
    """Say which metrics judge a task, the first one first, and what is predicted before."""
    for one in vars(module).values():
        fields = getattr(one, "__dataclass_fields__", {})
        if {"metric", "also"} <= fields.keys() and one.__module__ == module.__name__:
            first, also = fields["metric"].default, fields["also"].default
            known = (
                [first, *also] if hasattr(first, "name") else list(getattr(module, "METRICS", ()))
            )
            if not known:
                return "Judged by the metrics that the suite names."
            text = f"Judged by {code(known[0].name)}"
            text += f", and by {codes(other.name for other in known[1:])}" if known[1:] else ""
            predict = getattr(fields.get("predict"), "default", "")
            return f"{text}; prediction {code(predict)}." if predict else f"{text}."
    raise ValueError(f"{module.__name__} has no data set with metrics")


def _phantom(module: Any) -> Mapping[str, Any]:
    for name, one in vars(module).items():
        if name.endswith("Phantom"):
            return {key: field.default for key, field in one.__dataclass_fields__.items()}
    return {}


def networks(module: Any) -> Iterator[tuple[str, str]]:
    """Yield a task's networks with their options, read off the sources, which import torch."""
    model = getattr(module, "MODEL", "")
    if not model:
        return
    folder = Path(inspect.getfile(module)).parent
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))]
    classes = {
        node.name: node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    own = ast.parse((folder / f"{model.rpartition('.')[2]}.py").read_text("utf-8"))
    for node in own.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "NETS":
            assert isinstance(node.value, ast.Dict)
            for key, net in zip(node.value.keys, node.value.values, strict=True):
                assert isinstance(key, ast.Constant)
                yield str(key.value), _arguments(classes[ast.unparse(net)], known)


def _arguments(net: ast.ClassDef, known: Mapping[str, str]) -> str:
    for node in net.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            given = node.args.args[1:]
            plain: list[ast.expr | None] = [None] * (len(given) - len(node.args.defaults))
            pairs = [*zip(given, [*plain, *node.args.defaults], strict=True)]
            pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return ", ".join(
                f"{code(one.arg)} ({known.get(text, text)})"
                if default and (text := ast.unparse(default))
                else code(one.arg)
                for one, default in pairs
            )
    return ""
