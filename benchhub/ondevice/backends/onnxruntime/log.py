"""What ONNX Runtime says only in its log: which nodes went where, why a provider is not there."""

import os
import re
import sys
import tempfile
from typing import Any, Callable, Dict, Optional

#: session_state.cc, VerifyEachNodeIsAssignedToAnEp, at the log level "verbose".
_PLACED = re.compile(
    r"(?:All nodes|Node\(s\)) placed on \[(?P<provider>\w+)\]\. Number of nodes: (?P<count>\d+)"
)
#: The same before 1.13 or so: one provider without a number, or each with its nodes.
_ALL_PLACED = re.compile(r"All nodes have been placed on \[(?P<provider>\w+)\]")
_LISTED = re.compile(r" Provider: \[(?P<provider>\w+)\]: \[(?P<nodes>.*)\]")
#: provider_bridge_ort.cc and the providers' own factories, at the level "error".
_CAUSES = (
    re.compile(r"Failed to load library \S*?(?P<why>[\w.]+ with error: .*)"),
    re.compile(r"\[E:onnxruntime.*?(?P<why>(?:\[OpenVINO\]|CUDA failure|CUDA error|TensorRT).*)"),
    re.compile(r"Failed to create \w+\. (?P<why>.*)"),
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def logged(make: Callable[[], Any], raised: Any) -> str:
    """Return what this process writes to descriptor 2 while `make` runs, errors `raised` included.

    Nothing of it goes to where that descriptor led.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            make()
            error = ""
        except raised as caught:
            error = "\n[E:onnxruntime] %s\n" % caught
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        text = file.read()
    return _COLOUR.sub("", text.decode("utf-8", "replace")) + error


def placed_nodes(text: str) -> Dict[str, Optional[int]]:
    """Return how many nodes of the graph a verbose log says were placed on each provider.

    A log names each graph once; graphs within If and Loop nodes count too. None: all, without a
    number.
    """
    counts: Dict[str, int] = {}
    for match in _PLACED.finditer(text):
        provider = match.group("provider")
        counts[provider] = counts.get(provider, 0) + int(match.group("count"))
    for match in _LISTED.finditer(text):
        provider = match.group("provider")
        counts[provider] = counts.get(provider, 0) + match.group("nodes").count("), ")
    found: Dict[str, Optional[int]] = dict(counts)
    for match in _ALL_PLACED.finditer(text):
        found.setdefault(match.group("provider"), None)
    return found


def cause(text: str) -> Optional[str]:
    """Return why a provider could not be created, as a log tells it, None if it does not."""
    for pattern in _CAUSES:
        match = pattern.search(text)
        if match:
            return match.group("why").strip()
    return None
