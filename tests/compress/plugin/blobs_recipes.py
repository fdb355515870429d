"""Recipes that cannot be made here."""

import errno
import os

from benchhub.compress import Option, RecipeEntry


def make_needs_missing(source, output, options, ingredients):
    import a_package_nobody_has

    return a_package_nobody_has.convert(source, output)


def make_fills_the_disk(source, output, options, ingredients):
    ingredients.folder.joinpath("half").write_bytes(b"0" * 100)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(output))


NEEDS_MISSING = RecipeEntry(make_needs_missing, {}, extra="compress")
FILLS_THE_DISK = RecipeEntry(make_fills_the_disk, {"bits": Option(8)})
