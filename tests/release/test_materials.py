"""A bill of materials is of one wheel, complete, and silent on the machine it was made on."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from materials import complete, of_wheel_itself
from packaged import Failed

NEEDED = ["numpy>=2", "torch>=2.6; extra == 'gpu'", "Foo_Bar>=1; python_version < '3'"]


def bill(*components: dict[str, Any]) -> dict[str, Any]:
    subject = {"name": "benchhub", "type": "application"}
    return {"metadata": {"component": subject}, "components": list(components)}


NUMPY = {"name": "NumPy", "version": "2.4.6"}


def test_its_subject_is_the_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "benchhub-1.2-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    subject = of_wheel_itself(bill(NUMPY), wheel, "1.2")["metadata"]["component"]
    assert subject["version"] == "1.2"
    assert subject["purl"] == "pkg:pypi/benchhub@1.2"
    assert subject["hashes"][0]["content"] == hashlib.sha256(b"wheel").hexdigest()


def test_what_an_extra_needs_may_be_missing() -> None:
    complete(bill(NUMPY), NEEDED, ("/home/ann",))


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ((), "numpy is not in"),
        (({"name": "numpy"},), "numpy is not in the bill of materials, or without its version"),
        (({"name": "numpy", "version": "1.26"},), "numpy 1.26 is in the bill of materials"),
        ((NUMPY, {"name": "x", "version": "file:///home/ann/x.whl"}), "names a folder of this"),
    ],
    ids=["missing", "no version", "old", "folder"],
)
def test_what_is_not_whole_must_not_be_published(
    components: tuple[dict[str, Any], ...], reason: str
) -> None:
    with pytest.raises(Failed, match=reason):
        complete(bill(*components), NEEDED, ("/home/ann",))
