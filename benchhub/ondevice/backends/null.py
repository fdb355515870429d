"""The backend that does nothing: what remains is the harness's own cost."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from benchhub.ondevice.backends import BUILT_IN, LoadOptions, TensorInfo

NAME = "null"
FORMATS = ("onnx", "none")


def version() -> str:
    """Return a constant: there is no runtime."""
    return BUILT_IN[NAME]


class NullSession:
    """Takes no inputs, gives no outputs."""

    inputs: Tuple[TensorInfo, ...] = ()
    outputs: Tuple[TensorInfo, ...] = ()
    provider: Optional[str] = "none"
    precision: Optional[str] = "none"

    def __init__(self) -> None:
        self.details: Dict[str, Any] = {}

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call that does nothing."""
        return tuple

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return no outputs."""
        return []


def load(path: Optional[str], options: LoadOptions) -> NullSession:
    """Return a session; the model, if there is one, is not read."""
    return NullSession()
