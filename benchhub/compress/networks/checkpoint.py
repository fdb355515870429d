"""Where a training stands, in a file: after its last whole epoch."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Checkpoint:
    """The state after the last whole epoch, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(
        self, net: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[tuple[float, ...], float]:
        """Restore the state if there is a whole one; return the losses so far, and the seconds."""
        try:
            state: dict[str, Any] = torch.load(self._path, weights_only=True)
        except FileNotFoundError:
            return (), 0.0
        except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
            return (), 0.0  # cut short, as by power loss: begin anew
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        return tuple(state["losses"]), state["seconds"]

    def save(
        self,
        net: nn.Module,
        optimizer: torch.optim.Optimizer,
        losses: tuple[float, ...],
        seconds: float,
    ) -> None:
        """Write the state; what was there before stays whole until the new one is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        buffer = io.BytesIO()
        torch.save(
            {
                "net": net.state_dict(),
                "optimizer": optimizer.state_dict(),
                "losses": list(losses),
                "seconds": seconds,
            },
            buffer,
        )
        # written here, because torch does not tell a full disk from other failures
        draft.write_bytes(buffer.getvalue())
        os.replace(draft, self._path)
