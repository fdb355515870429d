"""What users give a model to work on: the arrays of an `.npz` file, cases on the first axis."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchhub.compress.build.reference import check_cases_fit
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant


def given_inputs(path: Path, variant: Variant) -> Mapping[str, Array]:
    """Return the arrays of an `.npz` file that are inputs of the model; ConfigError if unusable.

    Other arrays (labels, say) are left out. Cases run along the first axis.
    """
    names = [spec.name for spec in variant.inputs]
    try:
        with np.load(path, allow_pickle=False) as archive:
            inputs = {name: archive[name] for name in archive.files if name in names}
            held = sorted(archive.files)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the cases as an .npz archive") from None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, AttributeError) as error:
        raise ConfigError(
            f"{path}: not an .npz archive of plain arrays ({error}); write it with numpy.savez"
        ) from error
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ConfigError(
            f"{path}: no array for input {missing[0]!r} of {variant.path.name}; the"
            f" archive holds {', '.join(held) or 'no arrays'}; name it as in the model"
        )
    check_cases_fit(variant, inputs)
    lengths = {len(inputs[spec.name]) for spec in variant.inputs if not spec.whole}
    if len(lengths) > 1 or 0 in lengths:
        raise ConfigError(f"{path}: inputs hold {sorted(lengths)} cases; all need as many, not 0")
    return inputs
