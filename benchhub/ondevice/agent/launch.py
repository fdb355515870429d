"""One launch: a fresh child, its events passed on, its end accounted for."""

import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from benchhub.ondevice import wire
from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.agent.folders import assemble
from benchhub.ondevice.lines import LineBuffer
from benchhub.ondevice.wire import Failure, Job

#: What is kept of a child's stderr.
_TAIL_BYTES = 4096
#: How long a child that reported its last event may take to be gone.
_LINGER_S = 5.0
_POLL_S = 0.001


class Result(NamedTuple):
    """What the agent adds to a child's own account; `failure` is None for a finished launch."""

    failure: Optional[Failure]
    wall_ns: int
    involuntary_switches: Optional[int]


class Children:
    """The one running child, if any; killable from any thread, and closed for good by that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: Optional[int] = None
        self._closed = False

    def start(
        self, argv: List[str], lease_fds: Sequence[int], env: Optional[Mapping[str, str]] = None
    ) -> "subprocess.Popen[bytes]":
        """Start `argv` in a process group of its own that shares the lease."""
        with self._lock:
            if self._closed:
                raise InterruptedError("the controller is gone")
            process = subprocess.Popen(
                argv,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=lease_fds,
                env=env,
            )
            self._pid = process.pid
            return process

    def reap(self, process: "subprocess.Popen[bytes]") -> "resource.struct_rusage":
        """Kill what is left of the ended child's group, collect it, return what it used."""
        with self._lock:
            _kill_group(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = (
                -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            )
            self._pid = None
        return usage

    def kill(self) -> None:
        """Kill the running child's process group and let no other start."""
        with self._lock:
            self._closed = True
            if self._pid is not None:
                _kill_group(self._pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def own_cpu_ticks() -> int:
    """Return the CPU time of the agent and of every child it collected, in clock ticks."""
    used_s = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used_s += usage.ru_utime + usage.ru_stime
    return round(used_s * os.sysconf("SC_CLK_TCK"))


def launch(
    job: Job,
    runner: str,
    blobs: Blobs,
    lease_fds: Sequence[int],
    children: Children,
    forward: Callable[[bytes], None],
) -> Result:
    """Run `job` in a fresh child; `forward` gets the child's lines as they come."""
    for role, digest in _files(job):
        text = "%s %s is not whole on the device; stage it again" % (role, digest[:12])
        try:
            if blobs.whole(digest):
                continue
        except OSError as error:
            text = "%s %s cannot be read: %s" % (role, digest[:12], error.strerror or error)
        return Result(Failure("spawn", "blob", text), 0, None)
    try:
        if job.files and job.model is not None:
            assemble(blobs, job.model, job.files)
    except OSError as error:
        text = "the model's files cannot be put side by side below %s: %s; set root to another disk"
        where = os.path.dirname(blobs.folder)
        return Result(Failure("spawn", "blob", text % (where, error.strerror or error)), 0, None)
    started = time.perf_counter_ns()
    argv = [job.python or sys.executable, _start(runner), "child", job.backend]
    try:
        process = children.start(argv, lease_fds)
    except OSError as error:
        text = "cannot start %s: %s" % (job.python or sys.executable, error.strerror or error)
        return Result(Failure("spawn", "missing", text), time.perf_counter_ns() - started, None)
    with process:
        listener = _Listener(process, job.deadline_s, forward)
        listener.tell({"root": os.path.dirname(blobs.folder), "job": wire.encode_job(job)})
        listener.listen()
        usage = children.reap(process)
        wall_ns = time.perf_counter_ns() - started
    return Result(listener.verdict(), wall_ns, usage.ru_nivcsw)


def _start(runner: str) -> str:
    # An unpacked runner is started as a plain script: a folder would take runpy, some 7 ms more.
    return os.path.join(runner, "__main__.py") if os.path.isdir(runner) else runner


def _files(job: Job) -> List[Tuple[str, str]]:
    files = [] if job.model is None else [("model", job.model)]
    if job.files:
        files = [("model file %s" % name, digest) for name, digest in job.files]
    return files + [("input %s" % name, digest) for name, digest in job.inputs.items()]


class _Listener:
    """Follows one child to its end."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        deadline_s: float,
        forward: Callable[[bytes], None],
    ) -> None:
        self._process = process
        self._deadline_s = deadline_s
        self._until = time.monotonic() + deadline_s
        self._forward = forward
        self._stage = "spawn"
        self._failure: Optional[Failure] = None
        self._done = False
        self._late = False
        self._tail = b""

    def tell(self, message: Mapping[str, object]) -> None:
        """Send the job; a child that is dead already is found out while listening."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(wire.encode(message))
        except BrokenPipeError:
            return

    def listen(self) -> None:
        """Forward events until the child has ended or its deadline has passed."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        lines = LineBuffer()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ, "out")
            selector.register(self._process.stderr, selectors.EVENT_READ, "err")
            while selector.get_map() and not self._done:
                left_s = self._until - time.monotonic()
                if left_s <= 0:
                    self._late = True
                    return
                for key, _ in selector.select(left_s):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data == "err":
                        self._tail = (self._tail + data)[-_TAIL_BYTES:]
                    else:
                        for line in lines.feed(data):
                            self._take(line)
        self._await_exit()

    def _await_exit(self) -> None:
        until = self._until
        if self._done:
            until = min(until, time.monotonic() + _LINGER_S)
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while os.waitid(os.P_PID, self._process.pid, options) is None:
            if time.monotonic() > until:
                self._late = not self._done
                return
            time.sleep(_POLL_S)

    def _take(self, line: bytes) -> None:
        # Outputs are large and need no look inside; they are most of the traffic.
        if not line.startswith((b'{"event":"outputs"', b'{"event":"more"')):
            try:
                event = wire.decode(line)
            except ValueError:
                self._tail = (self._tail + line + b"\n")[-_TAIL_BYTES:]
                return
            name = event.get("event")
            if name == "done":
                self._done = True
                return
            if name == "refused":
                self._failure = Failure("spawn", "missing", str(event.get("message")))
                return
            if name == "stage":
                self._stage = event["stage"]
            elif name == "failed":
                self._failure = Failure(event["stage"], event["kind"], event["message"])
        self._forward(line + b"\n")

    def verdict(self) -> Optional[Failure]:
        """Return why the launch failed, None if it finished; the child must be collected."""
        if self._failure is not None:
            return self._failure
        if self._late:
            text = "not done after %g s; killed" % self._deadline_s
            return Failure(self._stage, "deadline", text + self._last_words())
        if self._done:
            return None
        code = self._process.returncode
        if code < 0:
            return Failure(self._stage, "crashed", _signal_name(-code) + self._last_words())
        text = "ended with status %d and no report" % code
        return Failure(self._stage, "exited", text + self._last_words())

    def _last_words(self) -> str:
        lines = self._tail.decode("utf-8", "replace").strip().splitlines()
        return "; last on stderr: %.300s" % lines[-1].strip() if lines else ""


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "signal %d" % number
    return "killed by " + name + (" (out of memory?)" if name == "SIGKILL" else "")
