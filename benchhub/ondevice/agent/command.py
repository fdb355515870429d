"""A program that the agent runs to its end: it dies with the controller, and at its deadline."""

import os
import selectors
import time
from typing import List, Mapping, Sequence

from benchhub.ondevice.agent.launch import Children
from benchhub.ondevice.provision.install import Ended

_TAIL_BYTES = 16384
_POLL_S = 0.005
_ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT


def run(
    argv: List[str],
    variables: Mapping[str, str],
    until: float,
    children: Children,
    lease_fds: Sequence[int],
) -> Ended:
    """Run `argv` with `variables` added to the environment until it ends or the time `until`.

    `until` is of time.monotonic. What it wrote to stdout and stderr is kept as one text, the
    end of it. OSError where it cannot be started.
    """
    process = children.start(argv, lease_fds, dict(os.environ, **variables))
    said = b""
    late = False
    with process:
        assert process.stdin is not None
        process.stdin.close()
        with selectors.DefaultSelector() as selector:
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map() and not late:
                for key, _ in selector.select(max(0.0, until - time.monotonic())):
                    data = os.read(key.fd, 1 << 16)
                    said = (said + data)[-_TAIL_BYTES:]
                    if not data:
                        selector.unregister(key.fileobj)
                late = time.monotonic() >= until
        while not late and os.waitid(os.P_PID, process.pid, _ENDED) is None:
            late = time.monotonic() >= until
            time.sleep(_POLL_S)
        children.reap(process)  # which kills it, too
    return Ended(None if late else process.returncode, said.decode("utf-8", "replace"))
