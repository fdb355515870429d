"""What converters raise about a model, whatever it is, makes a skip and no fault of benchhub's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ingredients import calibrating

from benchhub import compress
from benchhub.compress import RecipeEntry
from benchhub.compress.build.cached import build
from benchhub.errors import RecipeFailed
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ZeroDivisionError("float division by zero"), "float division by zero"),
        (OverflowError("cannot convert float infinity"), "cannot convert float infinity"),
        (MemoryError(), "MemoryError"),
        (UnboundLocalError("local variable 'scale'"), "local variable 'scale'"),
        (KeyError("axis"), "'axis'"),
    ],
)
def test_it_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str
) -> None:
    def make(*_: object) -> None:
        raise raised

    entry = RecipeEntry(make=make, options={}, reads=(), libraries=("numpy",))
    monkeypatch.setitem(compress.RECIPES, "raises", entry)
    spec = VariantSpec("v", recipe=Recipe("raises"))
    with pytest.raises(RecipeFailed) as told:
        build(spec, None, calibrating(lambda count: {"x": np.zeros((count, 1))}), tmp_path)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
