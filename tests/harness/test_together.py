"""Tests of a module that share what is costly to make are run by one worker."""

from __future__ import annotations

from harness.inner import Inner

SHARING = """
    import os
    import pytest

    @pytest.fixture(scope="module")
    def made():
        with open("made", "a") as file:
            print(os.getpid(), file=file)

    @pytest.mark.parametrize("number", range(6))
    def test_of_the_module(made, number):
        pass

    @pytest.mark.parametrize("number", range(6))
    def test_alone(number):
        pass
"""
NATIVE = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_native(native, number):
        with open("children", "a") as file:
            print(os.getpid(), file=file)

    @pytest.mark.xdist_group("others")
    def test_of_a_group(native):
        pass
"""


def test_a_fixture_is_made_once_and_one_child_forked(inner: Inner) -> None:
    inner.write(SHARING, "test_sharing.py")
    inner.write(NATIVE, "test_native.py")
    code, said = inner.run("-n", "3", "--dist", "loadgroup", "-v")
    assert code == 0, said
    assert "19 passed" in said
    assert len((inner.folder / "made").read_text().split()) == 1
    assert len(set((inner.folder / "children").read_text().split())) == 1
    assert "test_of_the_module[0]@inner.test_sharing" in said
    assert "test_of_a_group@others " in said
    assert "test_alone[0] " in said
