"""The command that a run was begun with: without folders in what is published, else as typed."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import PurePosixPath

from benchhub.model.facts import Provenance
from benchhub.model.row import Results
from benchhub.store import Store

#: What stands for the folders of a path that are left out.
LEFT_OUT = "…/"
#: A path, an option's `--store=/a/b` and a database's `sqlite:////a/b`: what is before, the path.
_ABSOLUTE = re.compile(r"((?:--?[\w-]+=)?(?:\w+:///)?)(/.+)", re.DOTALL)


def without_folders(provenance: Provenance) -> Provenance:
    """Return provenance whose command has paths by their last two names; reports are published."""
    command = provenance.get("command")
    if not command:
        return provenance
    try:
        words = shlex.split(command)
    except ValueError:  # cut somewhere within quotes
        words = command.replace("'", "").replace('"', "").split()
    said = []
    for word in words:
        found = _ABSOLUTE.fullmatch(word)
        parts = PurePosixPath(found[2]).parts[1:] if found else ()
        kept = "/".join(parts[-2:])
        if found and len(parts) > 1:
            said.append(f"{found[1]}{LEFT_OUT}{shlex.quote(kept)}")
        else:
            said.append(shlex.quote(word))
    return Provenance({**provenance.told, "command": " ".join(said)})


def as_typed(store: Store, results: Results) -> Results:
    """Return results whose run has its command as it was typed: for a terminal of this machine."""
    told = store.run(results.run.id).provenance
    return dataclasses.replace(results, run=dataclasses.replace(results.run, provenance=told))
