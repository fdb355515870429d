"""What `benchhub compress` shows: a variant beside its source, and the recipes there are."""

from __future__ import annotations

import json
from typing import Any

from benchhub import __version__
from benchhub.cli.show.say import say, stdout
from benchhub.cli.show.table import print_table
from benchhub.compress.build.single import Made
from benchhub.model.cell import Variant
from benchhub.report.tables.table import Column, listing
from benchhub.text import number

#: Facts of the provenance that the table or the heading tells already.
_TOLD = ("recipe", "options", "file", "sha256", "baseline_sha256", "sparse_bytes")


def show(made: Made) -> None:
    """Print sizes before and after, with ratios, and what the recipe says of its work."""
    console = stdout()
    variant, source = made.variant, made.source
    recipe = variant.recipe.name if variant.recipe else ""
    title = f"{variant.name}: {recipe}" + (f" of {source.name}" if source else "")
    before = sizes(source) if source else {}
    body: list[tuple[str, ...]] = []
    for name, after in sizes(variant).items():
        was = before.get(name)
        cells = (_count(was), _count(after), _ratio(was, after)) if source else (_count(after),)
        body.append((name.replace("_", " "), *cells))
    heads = ("before", "after", "ratio") if source else ("made",)
    columns = [Column(""), *(Column(head, numeric=True) for head in heads)]
    print_table(console, listing("sizes", title, columns, body))
    if variant.uncounted:
        say(console, "dim", f"macs not told: {uncounted(variant)}")
    for name, value in variant.provenance.items():
        if name not in _TOLD and not name.endswith("_sha256"):
            say(console, "dim", f"{name.replace('_', ' ')}: {value}")


def uncounted(variant: Variant) -> str:
    """Return for which operators the multiply-accumulates of a variant are not known."""
    return f"no count of {', '.join(variant.uncounted)}"


def sizes(variant: Variant) -> dict[str, int | None]:
    """Return how large a variant is, in every sense there is."""
    return {
        "bytes": variant.model_bytes,
        "gzip_bytes": variant.gzip_bytes,
        "sparse_bytes": variant.sparse_bytes,
        "parameters": variant.params,
        "nonzero": variant.nonzero_params,
        "macs": variant.macs,
    }


def described(made: Made) -> dict[str, Any]:
    """Return a variant, its source and how it was made, for JSON."""
    variant, source = made.variant, made.source
    training = variant.path.with_name("training.json")
    return {
        "schema": 1,
        "benchhub": __version__,
        "variant": variant.name,
        "format": variant.format,
        "sha256": variant.sha256,
        "recipe": variant.recipe.name if variant.recipe else None,
        "options": dict(variant.recipe.options) if variant.recipe else {},
        "sizes": sizes(variant),
        "source": None
        if source is None
        else {"name": source.name, "sha256": source.sha256, "sizes": sizes(source)},
        "provenance": dict(variant.provenance),
        "training": json.loads(training.read_text("utf-8")) if training.is_file() else None,
    }


def listed() -> dict[str, Any]:
    """Return every recipe and its options, for JSON."""
    from benchhub.compress import get_recipe, recipe_names

    found: dict[str, Any] = {}
    for name in recipe_names():
        entry = get_recipe(name)
        found[name] = {
            "reads": list(entry.reads),
            "writes": entry.writes,
            "extra": entry.extra or None,
            "options": {
                key: {
                    "default": option.default,
                    "choices": [*option.choices, *((True, False) if option.or_bool else ())]
                    or None,
                    **({} if isinstance(option.default, bool | str | tuple) else _limits(option)),
                }
                for key, option in entry.options.items()
            },
        }
    return found


def _limits(option: Any) -> dict[str, float | None]:
    return {"least": option.least, "most": option.most}


def show_list() -> None:
    """Print every recipe with its options and their defaults."""
    console = stdout()
    body = [
        (
            name,
            ", ".join(entry["reads"]) or "nothing",
            entry["writes"],
            entry["extra"] or "",
            ", ".join(_option(key, about) for key, about in entry["options"].items()),
        )
        for name, entry in listed().items()
    ]
    heads = [Column("recipe"), Column("reads", rank=2), Column("writes", rank=1)]
    heads += [Column("extra", rank=3), Column("options and defaults")]
    print_table(console, listing("recipes", "Recipes", heads, body), also="`--json`")
    say(console, "dim", "`extra`: what pip installs for it, as in pip install 'benchhub[compress]'")


def _option(name: str, about: dict[str, Any]) -> str:
    default = about["default"]
    shown = default if default and isinstance(default, str) else json.dumps(default)
    others = [
        choice if isinstance(choice, str) else json.dumps(choice)
        for choice in about["choices"] or ()
        if choice != default
    ]
    return f"{name}={shown}" + (f" ({', '.join(others)})" if others else "")


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _ratio(before: int | None, after: int | None) -> str:
    return f"{number(before / after)}x" if before and after else ""
