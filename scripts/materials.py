"""What a wheel is installed with, as CycloneDX: a bill of materials held against its metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaged import Failed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Bill = dict[str, Any]


def of_wheel_itself(bill: Bill, wheel: Path, version: str) -> Bill:
    """Return a bill whose subject is this very wheel: its version, address and hash."""
    subject = bill["metadata"]["component"]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    more = {
        "version": version,
        "purl": f"pkg:pypi/benchhub@{version}",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    return bill | {"metadata": bill["metadata"] | {"component": subject | more}}


def complete(bill: Bill, requirements: Sequence[str], places: Sequence[str]) -> None:
    """Fail where a package that every installation needs is not in it, or a folder of this machine.

    `requirements` are those of the wheel's metadata; each component has a version.
    """
    versions = {
        canonicalize_name(one["name"]): one.get("version") for one in bill.get("components", ())
    }
    needed = [Requirement(text) for text in requirements]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    for one in needed:
        version = versions.get(canonicalize_name(one.name))
        if not version:
            raise Failed(f"{one.name} is not in the bill of materials, or without its version")
        if not one.specifier.contains(version, prereleases=True):
            raise Failed(f"{one.name} {version} is in the bill of materials, which is not {one}")
    text = json.dumps(bill)
    if told := [place for place in places if place in text]:
        raise Failed(f"the bill of materials names a folder of this machine, {told[0]}")
