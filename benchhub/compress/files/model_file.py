"""A model file's bytes, or one line on why they cannot be had."""

from __future__ import annotations

import re
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import whole

#: What an address begins with, as a folder of a path.
_ADDRESS = re.compile(r"(https?|s3|gs|hf|ftp):")
#: What to do about an ONNX file that does not say which network of which task it is.
NO_ARCHITECTURE = (
    "it does not say which network it is, so torch cannot rebuild it; give recipe prune-network the"
    " function that builds it, start from a model that recipe train made, or use recipes that read"
    " any ONNX (fp16, int8-*, prune-magnitude without fine-tuning)"
)


def read_model(name: str, path: Path) -> bytes:
    """Return the bytes of variant `name`'s file; ConfigError if it is not there, empty, or larger
    than a file may be.
    """
    try:
        blob = whole(path, piped=False)  # it is read again later
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        step = "; download it first" if any(map(_ADDRESS.fullmatch, path.parts)) else ""
        raise ConfigError(f"variant {name}: cannot read model {path}: {reason}{step}") from error
    if not blob:
        raise ConfigError(f"variant {name}: model {path} is empty; export it again")
    return blob
