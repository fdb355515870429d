"""Where the repository and its tests are, whatever the folder of the test that asks."""

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
