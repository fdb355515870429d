import numpy as np
import pytest

from benchhub.compress.networks.masks import apply, choose_masks, density
from benchhub.errors import ConfigError

RATIOS = (1.0, 2, 3.7, 5, 16, 20, 64)


def _weights(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"a": (8, 4, 3, 3), "b": (16, 8, 3, 3), "head": (5, 128)}
    return {
        name: (rng.normal(size=shape) * scale).astype(np.float32)
        for (name, shape), scale in zip(shapes.items(), (1.0, 0.1, 0.5), strict=True)
    }


@pytest.mark.parametrize("compression", RATIOS)
def test_each_layer_keeps_its_share_and_its_largest(compression):
    weights = _weights()
    for name, mask in choose_masks(weights, compression, "layer").items():
        magnitude = np.abs(weights[name])
        assert mask.sum() == max(1, round(mask.size / compression))
        if not mask.all():
            assert magnitude[mask].min() >= magnitude[~mask].max()


@pytest.mark.parametrize("compression", RATIOS)
def test_the_network_keeps_its_share_by_one_threshold(compression):
    weights = _weights()
    masks = choose_masks(weights, compression, "network", keep=0)
    total = sum(weight.size for weight in weights.values())
    assert sum(mask.sum() for mask in masks.values()) == round(total / compression)
    kept = np.concatenate([np.abs(weights[name])[mask] for name, mask in masks.items()])
    gone = np.concatenate([np.abs(weights[name])[~mask] for name, mask in masks.items()])
    assert not gone.size or kept.min() >= gone.max()


def test_scopes_differ_where_layers_have_scales_of_their_own():
    weights = _weights()
    layer, network = (choose_masks(weights, 16, scope) for scope in ("layer", "network"))
    assert layer["b"].sum() == round(layer["b"].size / 16)
    assert network["b"].sum() == 1  # a tenth of the others' scale: all but what it must keep
    assert network["a"].sum() > layer["a"].sum()


def test_keep_zero_lets_a_layer_be_emptied_and_density_tells():
    weights = _weights()
    masks = choose_masks(weights, 16, "network", keep=0)
    pruned = {name: apply(weight, masks[name]) for name, weight in weights.items()}
    found = density(pruned)
    assert found.emptied == ("b",)
    assert found.lowest == "b"
    facts = found.facts()
    assert facts["emptied_layers"] == "b"
    assert float(facts["lowest_density"]) == 0
    total = sum(weight.size for weight in weights.values())
    assert float(facts["sparsity"]) == pytest.approx(1 - round(total / 16) / total, abs=1e-6)
    assert density({"a": np.zeros(4)}).facts()["achieved_compression"] == "all weights are zero"


def test_masks_of_steps_are_nested_and_pruning_again_does_not_compound():
    weights = _weights()
    for scope in ("layer", "network"):
        before = weights
        for compression in (2, 4, 16, 16):
            masks = choose_masks(before, compression, scope)
            after = {name: apply(weight, masks[name]) for name, weight in before.items()}
            assert all(not after[n][before[n] == 0].any() for n in after)
            before = after
        once = choose_masks(weights, 16, scope)
        assert all(np.array_equal(before[n] != 0, once[n]) for n in weights)


def test_equal_weights_go_to_the_first():
    masks = choose_masks({"a": np.ones((2, 4), np.float32)}, 4, "layer")
    assert masks["a"].tolist() == [[True, True, False, False], [False] * 4]


@pytest.mark.parametrize("scope", ["layer", "network"])
def test_more_than_leaves_each_layer_its_weights_is_refused(scope):
    weights = {"a": np.ones((4, 4)), "b": np.ones((4, 4))}
    assert all(m.sum() == 1 for m in choose_masks(weights, 16, scope).values())
    with pytest.raises(ConfigError, match=r"leaves 1 of 32 weights for 2 layers.*at most 16"):
        choose_masks(weights, 30, scope)
    with pytest.raises(ConfigError, match=r"each keeps 5; ask for at most 3\.2"):
        choose_masks(weights, 4, scope, keep=5)


def test_a_small_layer_keeps_all_of_its_few_weights():
    weights = {"tiny": np.array([[1.0, 2.0]]), "large": np.arange(1.0, 65).reshape(8, 8)}
    masks = choose_masks(weights, 8, "network", keep=4)
    assert masks["tiny"].all()
    assert sum(mask.sum() for mask in masks.values()) == round(66 / 8)


def test_zeros_are_positive():
    weight = np.array([-3.0, -1.0, 2.0, -0.0], np.float32)
    pruned = apply(weight, np.array([True, False, False, True]))
    assert pruned.tolist() == [-3.0, 0.0, 0.0, 0.0]
    assert not np.signbit(pruned[1:]).any()
    assert pruned.dtype == np.float32
