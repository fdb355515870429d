"""`benchhub compress`: one variant of a suite, or of a model file, into a folder."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project
from benchhub.config.folders import expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchhub.compress.build.single import Made, Place
    from benchhub.model.recipe import Recipe

_ELSEWHERE = "name another folder with -o"


def compress(
    source: str = typer.Argument(
        None, metavar="SUITE|MODEL", help="A suite's name, folder or suite.toml; or a model file"
    ),
    recipe: str = typer.Option(None, help="How to make it; --list shows the recipes"),
    option: list[str] = typer.Option([], metavar="NAME=VALUE", help="The recipe's; repeatable"),
    ratio: float = typer.Option(
        None, help="How much to prune: the recipe's option `ratio` or `compression`"
    ),
    variant: str = typer.Option(
        None, help="A suite's variant to make; with --recipe, the one to start from"
    ),
    name: str = typer.Option(None, help="What to call a new variant (default: after both)"),
    output: Path = typer.Option(
        Path(),
        "-o",
        "--output",
        metavar="DIR",
        show_default=False,
        help="Where to write it (default: here)",
    ),
    data: str = typer.Option(
        None, metavar="DIR", help="Your own copy of the task's dataset; for a MODEL also a .npz"
    ),
    task: str = typer.Option(None, help="A MODEL's task (default: the one it names)"),
    settings: list[str] = typer.Option(
        [], "--set", metavar="NAME=VALUE", help="A setting of a MODEL's data; repeatable"
    ),
    list_: bool = typer.Option(False, "--list", help="Show the recipes and their options"),
    json: bool = project.JSON,
) -> None:
    """Make one variant, and compare its size with what it was made from.

    Writes the model and a JSON file that says how it was made. An interrupted training goes on
    when the same command is given again.
    """
    from benchhub.cli.show.compress import listed, show, show_list
    from benchhub.errors import ConfigError

    if list_:
        typer.echo(jsonlib.dumps(listed(), indent=1)) if json else show_list()
        return
    if source is None and recipe is None:
        raise ConfigError("give a SUITE or a MODEL to compress, or --list to see the recipes")
    folder = _writable(output)
    asked = _recipe(recipe, option, ratio)
    made = _made(source, asked, variant, name, data, task, _pairs("--set", settings))
    written = _write(made, folder, Path(source) if source else None)
    if json:
        typer.echo(jsonlib.dumps(written, indent=1))
    else:
        show(made)
    project.note(f"compress: {folder / written['file']}")


def _recipe(name: str | None, option: list[str], ratio: float | None) -> Recipe | None:
    from benchhub.compress import get_recipe
    from benchhub.errors import ConfigError
    from benchhub.model.recipe import Recipe

    if name is None:
        if option or ratio is not None:
            raise ConfigError("--option and --ratio belong to a recipe; give --recipe")
        return None
    options = _pairs("--option", option)
    if ratio is not None:
        known = get_recipe(name).options
        takes = next((key for key in ("ratio", "compression") if key in known), None)
        if takes is None:
            raise ConfigError(f"recipe {name} has no ratio; drop --ratio")
        if takes in options:
            raise ConfigError(f"--ratio and --option {takes} are the same; give one of them")
        options[takes] = ratio
    return Recipe(name, options)


def _pairs(flag: str, given: list[str]) -> dict[str, Any]:
    from benchhub.errors import ConfigError

    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise ConfigError(f"{flag} {text} should be NAME=VALUE")
        if key in found:
            raise ConfigError(f"{flag} {key} is given twice; give it once")
        try:
            found[key] = jsonlib.loads(value)
        except (ValueError, RecursionError):
            found[key] = value
    return found


def _made(
    source: str | None,
    recipe: Recipe | None,
    variant: str | None,
    name: str | None,
    data: str | None,
    task: str | None,
    settings: dict[str, Any],
) -> Made:
    from rich.console import Console

    from benchhub.cli.show.preparing import preparing
    from benchhub.compress.build.single import Place

    where = expanded(data).resolve() if data else None
    with preparing(Console(stderr=True)) as progress:
        place = Place(project.cache(), progress, where)
        return _choose(source, recipe, variant, name, task, settings)(place)


def _choose(
    source: str | None,
    recipe: Recipe | None,
    variant: str | None,
    name: str | None,
    task: str | None,
    settings: dict[str, Any],
) -> Callable[[Place], Made]:
    """Return how to make what was asked for, its arguments checked against each other."""
    from benchhub.compress.build.single import OwnData, of_model, of_nothing, of_suite
    from benchhub.config.catalogue import suite_file
    from benchhub.config.suite import load_suite
    from benchhub.errors import ConfigError

    if source is None:
        assert recipe is not None
        if variant or task or settings:
            raise ConfigError("--variant, --task and --set are of a SUITE or a MODEL; give one")
        return lambda place: of_nothing(recipe, name, place)
    if _is_model(source):
        if recipe is None:
            raise ConfigError(f"{source} is a model file; say --recipe how to compress it")
        if variant:
            raise ConfigError(f"--variant names one of a suite, and {source} is a model file")
        own = OwnData(task, settings)
        return lambda place: of_model(expanded(source), recipe, name, own, place)
    if task or settings:
        raise ConfigError("--task and --set are for a MODEL; a suite says both itself")
    suite = load_suite(suite_file(source, project.folder()).resolve())
    if recipe is None and variant is None:
        raise ConfigError(f"say what to make of {source}: --variant, --recipe, or both")
    if recipe is None and name:
        raise ConfigError(f"--name is for a new variant; {variant} has its own")
    return lambda place: of_suite(suite, variant, recipe, name, place)


def _is_model(source: str) -> bool:
    path = expanded(source)
    suffixes = (".onnx", ".tflite", ".pt", ".pt2")
    return path.suffix in suffixes or (path.is_file() and path.suffix != ".toml")


def _writable(folder: Path) -> Path:
    """Return the folder, made if it is missing; ConfigError before any work if that is no use."""
    import tempfile

    from benchhub.outside.written import explained

    folder = expanded(folder)
    with explained(folder, _ELSEWHERE):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def _write(made: Made, folder: Path, given: Path | None) -> dict[str, Any]:
    """Write the model and what it is; return the latter."""
    import shutil

    from benchhub.cli.show.compress import described
    from benchhub.errors import ConfigError
    from benchhub.outside.written import drafted, explained

    variant = made.variant
    path = folder / f"{variant.name}{variant.path.suffix}"
    document = {"file": path.name, **described(made)}
    with explained(path, _ELSEWHERE):
        if given is not None and path.exists() and given.exists() and path.samefile(given):
            raise ConfigError(
                f"{path} is what it is made from; give --name, or another folder with -o"
            )
        # Both or none: neither takes its place before the other is whole.
        with drafted(path.with_suffix(".json")) as told, drafted(path) as model:
            told.write_text(jsonlib.dumps(document, indent=1) + "\n", encoding="utf-8")
            shutil.copyfile(variant.path, model)
    return document
