"""Model files that a runtime of this machine cannot load: told before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchhub.compress.build.trials import keep_trials, kept_trials
from benchhub.compress.trial.tryout import Tryout, meant_for, versioned
from benchhub.compress.trial.unusual import is_unusual
from benchhub.compress.trial.words import Trial
from benchhub.model.asked import Suite
from benchhub.model.cell import SkipKind, SkipReason, Variant
from benchhub.ondevice.backends import Description


def unreadable(
    suite: Suite, variants: Sequence[Variant], cache: Path
) -> Mapping[tuple[str, str], SkipReason]:
    """Return, by variant and backend, why a runtime that is installed here cannot load a file.

    That is an opset, an operator or a type that it lacks. A file is loaded, in a process of its
    own, only where what it holds is unusual (`is_unusual`) and no recipe has made it: those were
    called when they were made. How that went is kept in `cache`. A backend with options of the
    suite's is not asked: they may choose another provider or device.
    """
    found: dict[tuple[str, str], SkipReason] = {}
    names = [name for name in suite.backends if not suite.options.get(name)]
    with Tryout() as tryout:
        for variant in variants:
            if variant.recipe is not None or not variant.sha256:
                continue
            meant = meant_for(names, variant.format)
            if not meant or not is_unusual(variant):
                continue
            for name, trial in _loaded(tryout, variant, meant, cache / "loads").items():
                if trial.kind == "unsupported":
                    reason = SkipReason(SkipKind.UNREADABLE, trial.cause)
                    found[variant.name, name] = reason
    return found


def _loaded(
    tryout: Tryout, variant: Variant, meant: Sequence[Description], cache: Path
) -> dict[str, Trial]:
    folder = cache / variant.sha256[:24]
    known = kept_trials(folder)
    new = {
        versioned(one): tryout.load(one.name, variant)
        for one in meant
        if versioned(one) not in known
    }
    if new:
        known |= new
        keep_trials(folder, known)
    return {one.name: known[versioned(one)] for one in meant}
