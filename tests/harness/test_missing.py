"""Modules that need what is not installed."""

from __future__ import annotations

import pytest

from harness.inner import Inner

HIDDEN = """
    import sys

    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name == "torch":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.modules.pop("torch", None)
    sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture
def without_torch(inner: Inner) -> Inner:
    inner.write("import other\n\n\ndef test_a():\n    pass\n", "test_a.py", plugins=["hiding"])
    inner.write("import torch\n", "other.py", plugins=["hiding"])
    inner.write("def test_b():\n    pass\n", "test_b.py", plugins=["hiding"])
    inner.write(HIDDEN, "hiding.py", plugins=["hiding"])
    return inner


@pytest.mark.parametrize("how", [("-p", "no:xdist"), ("-n", "1")], ids=["alone", "a worker"])
def test_they_are_skipped_with_the_reason(
    without_torch: Inner, how: tuple[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    without_torch.ini("addopts = -ra")
    code, said = without_torch.run(*how)
    assert code == 0, said
    assert "1 passed, 1 skipped" in said
    assert "torch is not installed" in said


def test_in_ci_they_fail(without_torch: Inner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    code, said = without_torch.run()
    assert code == 2, said
    assert "No module named 'torch'" in said


def test_of_pure_code_they_are_no_part(
    without_torch: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    without_torch.ini("addopts = -ra")
    code, said = without_torch.run("--pure")
    assert code == 0, said
    assert "1 passed in" in said
    assert "torch" not in said
