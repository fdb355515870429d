"""The gate as JUnit XML, for the test views of CI servers.

A device is a test suite, and each entry of a budget on a cell is a test case. FAIL is a failure;
what could not be measured is an error; INCONCLUSIVE is skipped, with its reason, since the views
show a skipped test as neither passed nor failed; strictly, it is an error. The elements and
attributes are those on which the schema of Ant's JUnitReport task and that of Jenkins' xUnit
plug-in agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from benchhub.report.gate.entries import (
    GateEntry,
    closing,
    entries,
    not_judged,
    provenance,
)
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import NO_BUDGETS
from benchhub.text import instant

SUFFIX = ".xml"
_ELEMENTS = {"FAIL": "failure", "ERROR": "error", "INCONCLUSIVE": "skipped",
             NO_BUDGETS: "skipped"}  # fmt: skip
_STRICT = _ELEMENTS | {"INCONCLUSIVE": "error", NO_BUDGETS: "error"}
#: What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What belongs to no device: budgets that select nothing that was measured.
_NO_DEVICE = "no device"


def render(judged: Judged, strict: bool = False) -> str:
    """Return the document; suites by device name, test cases worst first.

    `strict` makes what is INCONCLUSIVE an error, for servers that ask the document alone.

    Names of test cases hold no limits and no figures, so that servers follow them over runs.
    """
    by_device: dict[str, list[GateEntry]] = {d.name: [] for d in judged.results.devices}
    told = entries(judged)
    if not told:  # a document without a case is taken for one that was cut off
        told = (GateEntry(judged.overall, "", "no cell", not_judged(judged)),)
    for entry in told:
        by_device.setdefault(entry.device or _NO_DEVICE, []).append(entry)
    root = ET.Element("testsuites")
    filled = [(device, found) for device, found in sorted(by_device.items()) if found]
    for number, (device, found) in enumerate(filled):
        root.append(_suite(judged, number, device, found, _STRICT if strict else _ELEMENTS))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(
    judged: Judged,
    number: int,
    device: str,
    found: Sequence[GateEntry],
    elements: Mapping[str, str],
) -> ET.Element:
    run = judged.results.run
    tally = Counter(elements.get(entry.outcome) for entry in found)
    suite = ET.Element(
        "testsuite",
        name=_token(device),
        package=_token(f"benchhub.{_dotless(run.suite)}"),
        id=str(number),
        hostname=_token(device),
        timestamp=_moment(run.started_at),
        tests=str(len(found)),
        failures=str(tally["failure"]),
        errors=str(tally["error"]),
        skipped=str(tally["skipped"]),
        time="0",
    )
    properties = ET.SubElement(suite, "properties")
    known = {"run": run.id, "suite": run.suite, "suite_sha256": run.suite_sha256,
             "effort": run.effort, "outcome": judged.overall}  # fmt: skip
    for name, value in known.items():
        ET.SubElement(properties, "property", name=name, value=_legal(value))
    named: Counter[str] = Counter()
    for entry in found:
        asked = f": {entry.budget} {entry.key}".rstrip() if entry.budget else ""
        name = _token(f"{entry.what}{asked}")
        named[name] += 1
        if named[name] > 1:
            name = f"{name} ({named[name]})"
        classname = f"benchhub.{_dotless(run.suite)}.{_dotless(device)}"
        suite.append(_case(classname, name, entry, elements.get(entry.outcome)))
    out = ET.SubElement(suite, "system-out")
    out.text = _legal("\n".join([*map(_told, found), "", closing(judged), provenance(judged)]))
    ET.SubElement(suite, "system-err")
    return suite


def _case(classname: str, name: str, entry: GateEntry, element: str | None) -> ET.Element:
    case = ET.Element("testcase", classname=_token(classname), name=name, time="0")
    if element is not None:
        about = f"{entry.seen}, asked {entry.asked}: " if entry.verdict else ""
        told = ET.SubElement(case, element, message=_legal(f"{about}{entry.reason}"))
        told.set("type", entry.outcome)
        told.text = _legal(_told(entry))
    return case


def _told(entry: GateEntry) -> str:
    said = [f"{entry.outcome} {entry.device}: {entry.what}"]
    if entry.budget:
        said.append(f"budget {entry.budget} {entry.asked}".rstrip())
    if entry.verdict is not None:
        said.append(f"value {entry.seen}, {entry.launches}")
    said += [entry.reason, *([f"next: {entry.step}"] if entry.step else [])]
    return "; ".join(said)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def _token(text: str) -> str:
    """Return a name without line ends, tabs or doubled spaces, as the schema wants it."""
    return _legal(" ".join(text.split())) or "unnamed"


def _dotless(text: str) -> str:
    """Servers cut class names at dots."""
    return text.replace(".", "_")


def _moment(iso: str) -> str:
    """Return a time of ISO 8601 in UTC to the second, without a zone, as the schema wants it."""
    return instant(iso).strftime("%Y-%m-%dT%H:%M:%S")
