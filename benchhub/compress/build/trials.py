"""What a variant did in the runtimes that it was tried in, kept beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.backends import described
from benchhub.compress.trial.tryout import Tryout, meant_for, versioned
from benchhub.compress.trial.words import Trial
from benchhub.errors import ConfigError, RecipeFailed
from benchhub.model.arrays import Array
from benchhub.model.cell import CHECK_CASES, Variant
from benchhub.outside.written import drafted

_FILE = "trials.json"


@dataclass(frozen=True, slots=True)
class MadeBy:
    """How a variant is spoken of: its name, its recipe, its source, and the next step."""

    variant: str
    recipe: str
    source: str
    otherwise: str


class Trying:
    """Tries one variant: each runtime once, whatever a recipe tried before of its drafts."""

    def __init__(
        self,
        tryout: Tryout,
        backends: Sequence[str],
        source: Variant | None,
        feeds: Callable[[], Sequence[Mapping[str, Array]]],
    ) -> None:
        self._tryout, self._backends, self._source = tryout, backends, source
        self._read_feeds = feeds
        self._feeds: Sequence[Mapping[str, Array]] | None = None

    def by_recipe(self, draft: Path) -> Trial:
        """Return how a draft does in onnxruntime, which every controller has."""
        return self._tryout(
            "onnxruntime", (draft, "onnx"), self._source, self._cases(), calls=CHECK_CASES
        )

    def in_all(self, made: Variant, folder: Path, by: MadeBy) -> tuple[str, ...]:
        """Try `made` where it was not tried yet, and write that down; return where it runs.

        RecipeFailed where it runs nowhere.
        """
        known = kept_trials(folder)
        wanted = {versioned(one): one for one in meant_for(self._backends, made.format)}
        new = {
            version: self._tryout(one.name, (made.path, made.format), self._source, self._cases())
            for version, one in wanted.items()
            if version not in known
        }
        if new:
            known |= new
            keep_trials(folder, known)
        told = {version: known[version] for version in wanted if known[version].known}
        if told and all(trial.cause for trial in told.values()):
            causes = "; ".join(f"{version}: {trial.cause}" for version, trial in told.items())
            raise RecipeFailed(
                by.variant,
                f"no runtime here can run what recipe {by.recipe} made of {by.source}: {causes};"
                f" {by.otherwise}",
            )
        return tuple(version for version, trial in told.items() if not trial.cause)

    def _cases(self) -> Sequence[Mapping[str, Array]]:
        if self._feeds is None:
            try:
                self._feeds = self._read_feeds()
            except ConfigError:  # there are fewer, or none: inputs are made up
                self._feeds = ()
        return self._feeds


def refused(variant: Variant, backends: Sequence[str], by: MadeBy) -> dict[str, str]:
    """Return the backends that cannot run a variant that was made here, each with the reason."""
    known = kept_trials(variant.path.parent)
    found = {}
    for name in backends:
        version = versioned(described(name))
        trial = known.get(version)
        if trial is not None and trial.known and trial.cause:
            found[name] = (
                f"{version} cannot run what recipe {by.recipe} made of {by.source}: {trial.cause};"
                f" {by.otherwise}"
            )
    return found


def kept_trials(folder: Path) -> dict[str, Trial]:
    """Return how a model did, by backend and version; empty where nothing is written down."""
    try:
        told = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return {version: Trial(**trial) for version, trial in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep_trials(folder: Path, trials: Mapping[str, Trial]) -> None:
    """Write down how a model did; where nothing can be written it is tried again another time."""
    told = {version: dataclasses.asdict(trial) for version, trial in trials.items()}
    with contextlib.suppress(OSError), drafted(folder / _FILE) as draft:
        draft.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
