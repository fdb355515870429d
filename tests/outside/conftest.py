"""Lets the tests of what is outside meet a disk that is full."""

from small_files import files_up_to

__all__ = ["files_up_to"]
