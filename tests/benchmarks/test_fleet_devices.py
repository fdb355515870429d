"""A small fleet is measured, on simulated devices and no real one."""

from __future__ import annotations

import pytest

from benchmarks.fleet import measured

pytestmark = pytest.mark.usefixtures("processes")


def test_what_comes_before_the_first_connection_is_measured_up_to_it() -> None:
    begun, resumed = measured.starts(2)
    assert (begun.what, resumed.what) == ("start", "resume")
    for point in (begun, resumed):
        assert point.found["before_s"] > point.found["imports_s"] > 0
        assert point.found["launches"] == 0


def test_every_launch_of_every_device_is_counted(monkeypatch) -> None:
    monkeypatch.setattr(measured, "LAUNCHES", 40)
    found = measured.launches(4, terminal=True).found
    assert (found["launches"], found["errors"]) == (40, 0)
    assert found["a_launch_ms"] > 0
    assert found["threads"] > 4
