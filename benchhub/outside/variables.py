"""Environment variables that benchhub reads, or sets for what it starts or imports."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Variable(enum.StrEnum):
    """An environment variable that benchhub reads, or sets for what it starts or imports."""

    STORE = "BENCHHUB_STORE"
    CACHE = "BENCHHUB_CACHE"
    SERVE_TOKEN = "BENCHHUB_SERVE_TOKEN"
    UNPACK = "BENCHHUB_UNPACK"
    XDG_CACHE = "XDG_CACHE_HOME"
    XDG_STATE = "XDG_STATE_HOME"
    COMPLETE = "_BENCHHUB_COMPLETE"
    SSH_AGENT = "SSH_AUTH_SOCK"
    PIP_PROGRESS_BAR = "PIP_PROGRESS_BAR"
    OMP_WAIT_POLICY = "OMP_WAIT_POLICY"
    TMPDIR = "TMPDIR"
    PATH = "PATH"
    CC = "CC"
    CXX = "CXX"
    TORCHINDUCTOR_CACHE_DIR = "TORCHINDUCTOR_CACHE_DIR"
    TORCH_WEIGHTS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    NVIDIA_TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"


@dataclass(frozen=True, slots=True)
class VariableMeaning:
    """What a variable says; `on_device`: of the device's environment, not the controller's."""

    words: str
    on_device: bool = False


#: What runs on devices imports nothing of this, and has the names in it, too.
VARIABLES: Mapping[Variable, VariableMeaning] = {
    Variable.STORE: VariableMeaning(
        "the results database as a URL; default: `benchhub.db` in the current folder;"
        " `--store` wins"
    ),
    Variable.CACHE: VariableMeaning(
        "the folder of variants, generated data and wheels; default: `benchhub` in the user's cache"
    ),
    Variable.SERVE_TOKEN: VariableMeaning(
        "the token that `benchhub serve` asks for; `--token-file` wins"
    ),
    Variable.UNPACK: VariableMeaning(
        "how many MB one file of others may take unpacked (arrays, pictures, volumes) or have, of"
        " texts an eighth, of settings a thousandth; default: 4096, or half of this machine's"
        " memory where that is less"
    ),
    Variable.XDG_CACHE: VariableMeaning("the user's cache folder; default: `~/.cache`"),
    Variable.XDG_STATE: VariableMeaning(
        "the user's folder of what programs keep, with the logs of benchhub's own faults;"
        " default: `~/.local/state`"
    ),
    Variable.COMPLETE: VariableMeaning(
        "set by a shell that completes a command: see `benchhub --install-completion`"
    ),
    Variable.SSH_AGENT: VariableMeaning("the SSH agent's socket, where ssh's settings name none"),
    Variable.PIP_PROGRESS_BAR: VariableMeaning(
        "set to `off` for the pip that fetches wheels; pip's other variables hold as they are"
    ),
    Variable.OMP_WAIT_POLICY: VariableMeaning(
        "set to `PASSIVE`, unless it is set, in processes that make several variants at once"
    ),
    Variable.TMPDIR: VariableMeaning(
        "where large outputs are kept while a launch goes on; default: `/var/tmp`"
    ),
    Variable.PATH: VariableMeaning("where torch's mode `compile` looks for a compiler", True),
    Variable.CC: VariableMeaning("torch's mode `compile` on a GPU: the C compiler", True),
    Variable.CXX: VariableMeaning("torch's mode `compile` on a CPU: the C++ compiler", True),
    Variable.TORCHINDUCTOR_CACHE_DIR: VariableMeaning(
        "torch's compiled kernels; set to a folder below the device's `root`, unless it is set",
        True,
    ),
    Variable.TORCH_WEIGHTS_ONLY: VariableMeaning(
        "set to `1` while an exported program is opened, here too: no pickle in it is run", True
    ),
    Variable.NVIDIA_TF32_OVERRIDE: VariableMeaning(
        "set to `0` where onnxruntime must not compute in TF32 and has no switch of its own", True
    ),
}
