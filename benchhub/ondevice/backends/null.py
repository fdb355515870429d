"""The backend without a model: what remains is the harness's own cost, or work of a known size.

With option `hash_bytes` a call hashes that many bytes with SHA-256, whose time does not depend on
what they are: 3 % more bytes are 3 % more work, on any processor.
"""

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from benchhub.ondevice.backends import BackendOption, Description, LoadOptions, TensorInfo, option

BACKEND = Description(
    name="null",
    runtime=__name__,
    formats=(),
    precisions=("f32", "tf32", "f16", "bf16"),
    options={
        "hash_bytes": BackendOption(
            0, least=0, words="bytes that a call hashes; 0: it does nothing"
        )
    },
    version="0",
)


def version() -> str:
    """Return a constant: there is no runtime."""
    return str(BACKEND.version)


class NullSession:
    """Takes no inputs, gives no outputs; a call does nothing, or hashes `hash_bytes` bytes."""

    inputs: Tuple[TensorInfo, ...] = ()
    outputs: Tuple[TensorInfo, ...] = ()
    provider: Optional[str] = "none"
    precision: Optional[str] = "none"

    def __init__(self, hash_bytes: int = 0) -> None:
        self._work = bytes(hash_bytes)
        self.details: Dict[str, Any] = {"hash_bytes": hash_bytes} if hash_bytes else {}

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call that does nothing, or the work."""
        if not self._work:
            return tuple
        import hashlib  # not at the top: its time would count as the harness's own

        sha256, work = hashlib.sha256, self._work
        return lambda: sha256(work).digest()

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return no outputs."""
        return []


def load(path: Optional[str], options: LoadOptions) -> NullSession:
    """Return a session; the model, if there is one, is not read. ValueError: less than 0 bytes."""
    return NullSession(option(BACKEND, "hash_bytes", options))
