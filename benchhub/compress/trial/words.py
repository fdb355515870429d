"""What is asked of the process that tries models, and what it answers: a JSON line each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrialAsked:
    """One model to be tried in one backend, beside its source where the backend reads that.

    `feeds` is an `.npz` with an array for each of the inputs `names`, in their order, of each of so
    many `calls`; empty: inputs are made up from what the model declares. With no call it is loaded
    only.
    """

    backend: str
    made: str
    made_format: str
    source: str = ""
    source_format: str = ""
    feeds: str = ""
    names: tuple[str, ...] = ()
    batch: int = 1
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went in one backend; `cause` is why the model cannot be used there, empty: it can.

    Nothing is `known` where the source does not run there either, or no inputs could be made up
    that fit: then it was not `called`. `difference` is the largest one between an output and the
    source's, over the range of the source's values of that output; None where there is nothing to
    compare. `kind` is that of a backend's `Failed`, where the cause is one.
    """

    cause: str = ""
    known: bool = True
    called: bool = False
    difference: float | None = None
    kind: str = ""
