"""The import of numpy and one backend, timed in a process that holds next to nothing else.

Modules that the runtime needs anyway must not be there before, or their time would be missing.
So this imports only what every interpreter has loaded, and `wire` comes after it.
"""

import time


class ImportedBackend:
    """A backend's module, or the exception that came instead, and how long that took."""

    __slots__ = ("elapsed_ns", "error", "module")

    def __init__(self, module: object, error: "Exception | None", elapsed_ns: int) -> None:
        self.module = module
        self.error = error
        self.elapsed_ns = elapsed_ns


def import_backend(name: str) -> ImportedBackend:
    """Import numpy and the backend `name`; never raises, `error` says what went wrong."""
    module = error = None
    started = time.perf_counter_ns()
    try:
        import numpy  # noqa: F401 - counted as part of the import

        from benchhub.ondevice import backends

        module = backends.find(name)
    except Exception as caught:  # noqa: BLE001 - raised again where it can be reported
        error = caught
    return ImportedBackend(module, error, time.perf_counter_ns() - started)
