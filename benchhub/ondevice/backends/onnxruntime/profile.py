"""Where ONNX Runtime spends a call, from the trace that a session with profiling on writes."""

import json
import os
import shutil
import tempfile
import weakref
from typing import Any, Callable, Dict, List, Mapping

from benchhub.ondevice.backends import Profile


class Trace:
    """The folder that a session writes its trace into; gone with this object."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="benchhub-profile-")
        # A session that is never asked for its profile writes the trace as it ends.
        weakref.finalize(self, shutil.rmtree, self._folder, True)

    def ask(self, settings: Any) -> None:
        """Turn profiling on in SessionOptions."""
        settings.enable_profiling = True
        settings.profile_file_prefix = os.path.join(self._folder, "trace")

    def profile(self, session: Any, call: Callable[[], Any], calls: int) -> Profile:
        """Make `calls` calls, the session's last, and return where their time went."""
        for _ in range(calls):
            call()
        with open(session.end_profiling(), encoding="utf-8") as file:
            return read(json.load(file), calls)


def read(events: List[Mapping[str, Any]], calls: int) -> Profile:
    """Return where the last `calls` runs of a trace spent their time; it counts microseconds."""
    runs = [event for event in events if event.get("name") == "model_run"][-calls:]
    spans = [(run["ts"], run["ts"] + run["dur"]) for run in runs]
    taken: Dict[str, int] = {}
    for event in events:
        name = (event.get("args") or {}).get("op_name")
        if not name or not str(event["name"]).endswith("_kernel_time"):
            continue
        if any(begin <= event["ts"] <= end for begin, end in spans):
            taken[str(name)] = taken.get(str(name), 0) + int(event["dur"])
    return Profile(
        len(runs),
        1000 * sum(int(run["dur"]) for run in runs) // len(runs),
        {name: 1000 * us // len(runs) for name, us in taken.items()},
    )
