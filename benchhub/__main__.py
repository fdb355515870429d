"""`python -m benchhub` is `benchhub`; whatever happens in it ends here."""

from __future__ import annotations

import gc
import sys

#: Exit codes, see `benchhub.errors.EXIT_CODES`.
FAULT, STOPPED, UNUSABLE = 70, 130, 2
#: As many containers more than were freed start a search for garbage, where Python has 700.
_ALLOCATIONS = 200_000


def main() -> None:
    """Run the command line and exit: nothing but a verdict exits with 1, nothing in a traceback."""
    # What is imported stays: to look through it for garbage takes a tenth of a short command.
    gc.set_threshold(_ALLOCATIONS, 10, 10)
    from benchhub.outside import ending, stopping

    ending.keep(FAULT)
    stopping.listen()
    try:
        code = _run()
    except KeyboardInterrupt:  # again, while the first one was being told
        code = STOPPED
    try:
        code = _flushed(code)
    except KeyboardInterrupt:
        code = STOPPED
    ending.leave(code)


def _run() -> int:
    try:
        from benchhub.outside import streams

        streams.hold()
        from benchhub.outside import room

        if (reason := room.too_little()) is not None:
            _say(reason)
            return UNUSABLE
        for line in room.make():
            _say(line)
        from benchhub.cli import run_command

        return run_command()
    except KeyboardInterrupt:
        _say("stopped")
        return STOPPED
    except BaseException as error:  # noqa: BLE001 - the top frame: what nobody explained is a fault
        from benchhub.outside import faults

        if (reason := faults.used_up(error)) is not None:
            _say(reason)
            return UNUSABLE
        _say(faults.told(error))
        return FAULT


def _flushed(code: int) -> int:
    """Return `code`, or the one for results that stdout did not take; the worse one counts."""
    from benchhub.outside import streams

    reason = streams.finish()
    if reason is None or code == FAULT:
        return code
    _say(f"the output cannot be written: {reason}; what was measured is in the store")
    return code if code == STOPPED else UNUSABLE


def _say(text: str) -> None:
    try:
        sys.stderr.write(f"benchhub: {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody is there to be told


if __name__ == "__main__":
    main()
