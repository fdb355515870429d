"""The page of a run, kept in its store: drawn once, and again where anything on it may differ."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

from benchhub.model.row import Results
from benchhub.results.kept.codec import encoded
from benchhub.results.kept.method import drawing
from benchhub.store import Store
from benchhub.store.summaries import Summary

#: The kind of summaries in a store.
PAGE = "page"
#: Of the results, what holds paths, and nothing that `repr` would shorten.
_WITH_PATHS = frozenset({"variants"})


def page_once(
    store: Store, results: Results, draw: Callable[[], str], interactive: bool = False
) -> str:
    """Return the page of a run that `draw` makes of these results, and of nothing else.

    It is kept with a digest of everything in the results and of the code that draws, and given
    again where that is the same; one that is `interactive` beside the other.
    """
    run, name = results.run.id, "html interactive" if interactive else "html"
    key = _key(results)
    known = store.summaries.of(run, PAGE).get(name)
    if known is not None and known.key == key:
        return known.data.decode()
    text = draw()
    if key is not None:
        store.summaries.keep(run, PAGE, {name: Summary(key, text.encode())})
    return text


def _key(results: Results) -> str | None:
    """Return what tells results and code from others; None: nothing does for sure."""
    code = drawing()
    if code is None:
        return None
    digest = hashlib.sha256(code.encode())
    for field in dataclasses.fields(results):
        value = getattr(results, field.name)
        try:
            told = repr(value).encode() if field.name in _WITH_PATHS else encoded(value)
        except (TypeError, UnicodeError):
            return None
        digest.update(f"{field.name} {len(told)}\n".encode() + told)
    return digest.hexdigest()
