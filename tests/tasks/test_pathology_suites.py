"""The suites that ship for these tasks: everything they name is there."""

import pytest
from repository import ROOT

from benchhub.compress import get_recipe
from benchhub.compress.options import complete
from benchhub.config.suite import load_suite
from benchhub.tasks.settings import check_settings

FOLDER = ROOT / "suites" / "pathology-structured"


@pytest.mark.parametrize("name", ["suite", "tissue"])
def test_recipes_know_the_options_they_are_given(name):
    suite = load_suite(FOLDER / f"{name}.toml")
    for spec in suite.variants:
        if spec.recipe is not None:
            known = get_recipe(spec.recipe.name).options
            assert set(complete(spec.name, spec.recipe.options, known)) == set(known)


@pytest.mark.parametrize("name", ["suite", "tissue"])
def test_one_shot_and_iterative_get_as_many_epochs_and_keep_as_many_channels(name):
    specs = {spec.name: spec for spec in load_suite(FOLDER / f"{name}.toml").variants}

    def spent(spec):
        """Epochs on the way from the baseline, and the share of channels that is left."""
        if spec.recipe is None:
            return 0, 1.0
        epochs, left = spent(specs[spec.source])
        options = spec.recipe.options
        more = options.get("finetune_epochs", 0) * options.get("steps", 1)
        return epochs + more, left * (1 - options.get("ratio", 0))

    pairs = [
        (spec, specs[spec.name.replace("iterative", "once")])
        for spec in specs.values()
        if spec.name.replace("iterative", "once") in specs and "iterative" in spec.name
    ]
    assert pairs
    for one, other in pairs:
        (epochs, left), (others, rest) = spent(one), spent(other)
        assert epochs == others
        assert left == pytest.approx(rest, abs=0.01)


def test_settings_are_those_of_the_tasks():
    pathology = load_suite(FOLDER / "suite.toml").data
    check_settings(
        "data",
        pathology,
        ("seed", "size", "shrink", "train_images", "validation_images", "test_images"),
    )
    assert pathology["test_images"] >= 240
    assert pathology["test_images"] % 19 == 0, "as many images of each tissue"
    tissue = load_suite(FOLDER / "tissue.toml").data
    check_settings("data", tissue, ("seed", "size", "train_patches", "test_patches"))
    assert 9 * tissue["test_patches"] >= 240
