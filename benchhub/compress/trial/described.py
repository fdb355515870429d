"""The process that opens an exported program and says what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from benchhub.compress.files.torch_archive import count_weights, program_facts
from benchhub.compress.trial.apart import serve
from benchhub.errors import ConfigError
from benchhub.ondevice.backends.torch.model import weights_only
from benchhub.outside.foreign.reading import reason


def described(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `facts` of the program at `path`, or the `cause` for which there are none.

    `refused`: it can be opened, and what it takes or returns cannot be measured.
    """
    try:
        with weights_only():
            program: Any = torch.export.load(asked["path"])
            fixed = [one for one in program.constants.values() if isinstance(one, torch.Tensor)]
            held = (*program.state_dict.values(), *(one for one in fixed if one.dim()))
            found = {**program_facts(program), **count_weights(held)}
    except ConfigError as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever torch raises is the answer
        return {"cause": reason(error)}
    return {"facts": found}


if __name__ == "__main__":
    serve(described)
