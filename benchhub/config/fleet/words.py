"""What users write to choose devices: names, patterns and labels; pure.

`rack1-07` is a device, or a group; `rack1-*` a pattern; `label=site:lab-1` a label, whose value may
be a pattern. What commas join must all hold; a device is chosen that any word is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchhub.config.fleet import braces
from benchhub.errors import ConfigError

LABEL = "label="
#: The label by which a device tells its group.
GROUP = "group"
#: Of so many names braces may tell at once.
_MOST = 100_000
_MAGIC = re.compile(r"[*?\[]")
#: Commas within braces separate what stands there.
_COMMA = re.compile(r",(?![^{}]*\})")

#: From a device's name to its labels: to have them may take reading a file.
Labels = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Term:
    """Names, or a pattern of names, or with `key` a pattern of that label's value.

    `text` is as it was written; `names` are the devices or groups that it tells by their names.
    """

    text: str
    key: str = ""
    names: frozenset[str] = frozenset()

    def holds(self, name: str, labels: Labels) -> bool:
        """Return whether it is about a device."""
        if self.key:
            value = labels(name).get(self.key)
            return value is not None and fnmatchcase(value, self.text)
        if self.names:
            return name in self.names or labels(name).get(GROUP) in self.names
        return fnmatchcase(name, self.text)

    def __str__(self) -> str:
        return f"{self.key}:{self.text}" if self.key else self.text


@dataclass(frozen=True, slots=True)
class Word:
    """Terms that must all hold, as they were written."""

    text: str
    terms: tuple[Term, ...]

    @property
    def name(self) -> str | None:
        """The one device or group that it is about; None: it is a pattern."""
        return self.terms[0].text if len(self.terms) == 1 and self.terms[0].names else None

    def holds(self, name: str, labels: Labels) -> bool:
        """Return whether it is about a device; labels are asked for last, and only if needed."""
        ordered = sorted(self.terms, key=lambda term: bool(term.key or term.names))
        return all(term.holds(name, labels) for term in ordered)


def words_of(texts: Sequence[str]) -> tuple[Word, ...]:
    """Return what was written, a word for each name where braces alone tell some; ConfigError."""
    return tuple(word for text in texts for word in _words(text))


def meant(texts: Sequence[str], devices: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the names that words mean among devices, which are labels by name; each once.

    A word that means none of them stays as it is written. ConfigError as of `words_of`.
    """
    found: dict[str, None] = {}
    for text in texts:
        hits = [
            name
            for word in words_of([text])
            for name in devices
            if word.holds(name, devices.__getitem__)
        ]
        if text in devices:  # named itself, whatever group is called so, too
            hits = [text]
        found.update(dict.fromkeys(hits or [text]))
    return tuple(found)


def is_plain(text: str) -> bool:
    """Return whether a text is one device's or group's name, and nothing that chooses."""
    return not (text.startswith(LABEL) or _MAGIC.search(text) or "{" in text or "," in text)


def _words(text: str) -> list[Word]:
    parts = [part.strip() for part in _COMMA.split(text)]
    if not all(parts):
        raise ConfigError(f"{text!r} names no device; write a name, a pattern or label=KEY:VALUE")
    terms = [_terms(text, part) for part in parts]
    if len(terms) == 1:
        return [Word(text, (term,)) for term in terms[0]]
    together = (
        of[0] if len(of) == 1 else Term(part, names=frozenset(term.text for term in of))
        for part, of in zip(parts, terms, strict=True)
    )
    return [Word(text, tuple(together))]


def _terms(text: str, part: str) -> list[Term]:
    """Return the terms one of which must hold: several where there are braces."""
    if part.startswith(LABEL):
        key, colon, value = part.removeprefix(LABEL).partition(":")
        if not (key and colon and value):
            raise ConfigError(f"{text}: a label is label=KEY:VALUE, as label=site:lab-1")
        return [Term(value, key)]
    if "{" not in part and "}" not in part:
        return [Term(part) if _MAGIC.search(part) else Term(part, names=frozenset([part]))]
    if _MAGIC.search(part):
        raise ConfigError(f"{text}: names by braces, or a pattern with * ? [..], but not both")
    if braces.count(part) > _MOST:
        raise ConfigError(f"{text} is {braces.count(part):,} names; write a pattern with *")
    return [Term(one, names=frozenset([one])) for one in braces.expanded(part)]
