"""Lets the tests of the rules run pytest."""

from harness.inner import inner

__all__ = ["inner"]
