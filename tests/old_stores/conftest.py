"""What a store shows includes charts: whatever opens one here draws them, in a process beside."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def tmp_path(tmp_path: Path, native: None) -> Path:
    """Return a folder for a store that is opened."""
    return tmp_path
