"""From a path or an address to a report, or one line on why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from benchhub.config.folders import expanded
from benchhub.config.published.address import fetched, is_address
from benchhub.config.published.told import PublishedReport
from benchhub.errors import ConfigError, nearest
from benchhub.outside.foreign.bounds import TEXT, read_bounded, whole
from benchhub.outside.foreign.reading import reading
from benchhub.text import abridged, visible

#: The schema that is written, and the only one so far.
SCHEMA = 1
_SHOWN = 200
_WRITE = "give what `benchhub report RUN --format json` wrote"
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<svg")


def read_report(place: str, run: str = "") -> PublishedReport:
    """Return the report at a path or an http address, of one run; ConfigError where there is none.

    `run` is the id, or how it begins, of the one that is meant where the report has several.
    """
    shown = abridged(visible(place), _SHOWN)
    if is_address(place):
        raw = fetched(place)
    else:
        path = expanded(place)
        if path.is_dir():
            raise ConfigError(f"{shown}: is a folder; give the report.json in it")
        with reading(shown, "cannot be read", _WRITE):
            raw = whole(path, TEXT)
    return of_run(of_bytes(raw, shown), shown, run)


def of_bytes(raw: bytes, where: str) -> PublishedReport:
    """Return the report in some bytes; ConfigError where there is none."""
    head = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise ConfigError(f"{where}: is empty; {_WRITE}")
    if head.lower().startswith(_PAGE):
        raise ConfigError(f"{where}: is a web page, not a report's JSON; give the address of that")
    if head.startswith(_PACKED):
        raise ConfigError(f"{where}: is packed; unpack it, and give the report.json in it")
    with reading(where, "no JSON, or cut short", _WRITE):
        told = read_bounded(raw.decode("utf-8-sig"))
    return of_document(told, where)


def of_document(told: Any, where: str) -> PublishedReport:
    """Return the report in JSON that was read; ConfigError where it is something else."""
    if not isinstance(told, Mapping) or "schema" not in told or "rows" not in told:
        raise ConfigError(f"{where}: JSON, but no report of benchhub's; {_WRITE}")
    schema = told["schema"]
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise ConfigError(
            f"{where}: has schema {abridged(str(schema), 20)}, and this benchhub reads {SCHEMA};"
            " update benchhub"
        )
    if schema != SCHEMA or isinstance(schema, bool):
        raise ConfigError(f"{where}: JSON of another kind: it has no schema {SCHEMA}; {_WRITE}")
    if told.get("run") is None:
        raise ConfigError(f"{where}: a report of no run; {_WRITE}")
    try:
        return PublishedReport.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        why = first["msg"].removeprefix("Value error, ")
        said = abridged(visible(": ".join(part for part in (place, why) if part)), _SHOWN)
        raise ConfigError(
            f"{where}: not as benchhub writes a report: {said}; ask for the file as it was written"
        ) from None


def of_run(report: PublishedReport, where: str, run: str = "") -> PublishedReport:
    """Return the part of a report that is of one run; ConfigError where it is not known which."""
    known = {one.id: one for one in report.runs or (report.run,)}
    meant = [name for name in known if name.startswith(run)]
    if run in known:
        meant = [run]
    if not meant:
        raise ConfigError(f"{where}: has no run {visible(run)}{nearest(run, list(known))}")
    if len(meant) > 1:
        listed = abridged(", ".join(meant), _SHOWN)
        raise ConfigError(f"{where}: has several runs ({listed}); say which with --of-run ID")
    if not report.runs:
        return report
    (name,) = meant
    mine = {
        part: tuple(one for one in getattr(report, part) if one.run == name)
        for part in ("devices", "rows", "variants", "verdicts", "claims", "skips")
    }
    return report.model_copy(update={"run": known[name], "runs": (), **mine})
