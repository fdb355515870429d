"""One parser: how the command line calls it, what is sound, and which errors are told ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import benchhub
from benchhub.errors import BenchhubError

_OWN = Path(benchhub.__file__).parent


@dataclass(frozen=True)
class Target:
    """A parser of the bytes of one file.

    `read` is given the file, named with `ending` in a folder of its own that it may write to. What
    it raises must be `told`. `seeds` are sound inputs, and `words` what its language is made of.
    `form` names how mutants are put together, where the content does not tell. `native`: its code
    can end the process. `needs` are packages without which it cannot be read.
    """

    name: str
    read: Callable[[Path], object]
    seeds: Callable[[], Iterable[bytes]]
    ending: str = ""
    words: tuple[bytes, ...] = ()
    told: tuple[type[BaseException], ...] = (BenchhubError,)
    form: str = ""
    native: bool = False
    needs: tuple[str, ...] = ()
    #: Hard ones by name, with what the line must have; None: anything that is told, or a value.
    hard: Mapping[str, tuple[Callable[[], bytes], str | None]] = field(default_factory=dict)


class Untold(Exception):
    """What no user should see; `kind` names it and where it comes from, the same for the same."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def tried(target: Target, path: Path) -> str | None:
    """Read a file; return the line that was told, None for a value. Untold for anything else."""
    try:
        target.read(path)
    except target.told as error:
        if _of_memory(error):
            raise Untold(f"memory that is not there, at {_place(error)}", str(error)) from error
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and what native code calls a panic, as well
        raise Untold(f"{type(error).__name__} at {_place(error)}", str(error)[:2000]) from error
    return None


def _place(error: BaseException) -> str:
    """Return the innermost place in benchhub, or else the innermost of all."""
    last, own = "nowhere", ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        last = f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_name}"
        if _OWN in Path(code.co_filename).parents:
            own = last
        trace = trace.tb_next
    return own or last


def _of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def lasting(value: Any) -> Callable[[], Any]:
    """Return a function that makes a value the first time only; `value` is what makes it."""
    made: list[Any] = []

    def get() -> Any:
        if not made:
            made.append(value())
        return made[0]

    return get
