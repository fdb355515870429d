"""SSH as a transport: one connection, a channel a process, pipelined uploads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import paramiko

from benchhub.device.ssh import config as ssh_config
from benchhub.device.ssh import connect as ssh_connect
from benchhub.device.ssh.command import for_any_shell
from benchhub.device.ssh.handshake import SocketFactory, plain_socket
from benchhub.device.ssh.keys import host_keys
from benchhub.device.ssh.keys.host_keys import HostKey
from benchhub.device.transport import (
    CHUNK_BYTES,
    PACKET_BYTES,
    Completed,
    Progress,
    RemoteProcess,
    complete,
)
from benchhub.errors import BenchhubError, DeviceError, LinkLost
from benchhub.model.device import DeviceProfile

#: A write that gets nowhere for this long means that the link is dead.
STALL_S = 30.0
_OPEN_TIMEOUT_S = 15.0
_SESSION_TRIES = 20
#: Who waits for stdout looks this often at stderr, which must not fill up meanwhile.
_STDERR_S = 5.0
# OpenSSH takes packets of 256 KiB; the standard promises only 32 KiB.
_OPENSSH_REQUEST_BYTES = 255 * 1024
_PORTABLE_REQUEST_BYTES = 32 * 1024


class SshTransport:
    """A device behind SSH; made by `connect`."""

    def __init__(self, name: str, connection: ssh_connect.Connection) -> None:
        self.name = name
        self.warnings = connection.endpoint.warnings
        self._connection = connection
        self._sftp: paramiko.SFTPClient | None = None
        self._has_sftp = True

    def start(self, argv: list[str]) -> RemoteProcess:
        """Start `argv`; see Transport."""
        try:
            channel = self._session()
            channel.settimeout(STALL_S)
            process = SshProcess(channel, self)
            channel.exec_command(for_any_shell(argv))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self.lost(f"cannot start a process: {error}") from error
        return process

    def _session(self) -> paramiko.Channel:
        """Open a session; where only so many are allowed, one that just ended may count still."""
        for left in reversed(range(_SESSION_TRIES)):
            try:
                return self._connection.transport.open_session(timeout=_OPEN_TIMEOUT_S)
            except paramiko.ChannelException as error:
                if not left:
                    where = self._connection.endpoint.where
                    raise DeviceError(
                        f"{self.name}: {where} opens no further session ({error.text}); raise "
                        "MaxSessions in its sshd_config"
                    ) from error
                time.sleep(0.1)
        raise AssertionError("unreachable")

    def run(
        self, argv: list[str], data: bytes | Iterable[bytes] = b"", timeout_s: float = 60.0
    ) -> Completed:
        """Run `argv` to its end; see Transport."""
        return complete(self.start(argv), data, timeout_s)

    def upload(self, source: BinaryIO, remote: str, offset: int, progress: Progress) -> None:
        """Write `source` from `offset` on; see Transport."""
        sftp = self._open_sftp()
        with self.watched(progress) as moved:
            if sftp is None:
                self._upload_through_cat(source, remote, moved)
            else:
                self._upload_pipelined(sftp, source, remote, offset, moved)

    def _upload_pipelined(
        self, sftp: paramiko.SFTPClient, source: BinaryIO, remote: str, offset: int, moved: Progress
    ) -> None:
        with sftp.open(remote, "r+b" if offset else "wb") as target:
            target.MAX_REQUEST_SIZE = self._request_bytes()
            if offset:
                target.truncate(offset)
                target.seek(offset)
            source.seek(offset)
            target.set_pipelined(True)
            data = source.read(target.MAX_REQUEST_SIZE)
            while data:
                following = source.read(target.MAX_REQUEST_SIZE)
                if not following:
                    # The last write waits for the answers to all of them, and raises their errors.
                    target.set_pipelined(False)
                target.write(data)
                moved(len(data))
                data = following

    def _upload_through_cat(self, source: BinaryIO, remote: str, moved: Progress) -> None:
        # Never `cat >>`: the `cat` of a connection that broke may still be writing. So this
        # starts over, in a new file.
        source.seek(0)

        def chunks() -> Iterator[bytes]:
            while data := source.read(CHUNK_BYTES):
                yield data
                moved(len(data))

        script = 'rm -f "$1" && exec cat > "$1"'
        process = self.start(["sh", "-c", script, "benchhub", remote])
        done = complete(process, chunks(), STALL_S, quiet_s=2 * STALL_S)
        if done.status:
            raise OSError(f"writing {remote} failed: {done.stderr or f'status {done.status}'}")

    def _request_bytes(self) -> int:
        banner = self._connection.transport.remote_version
        return _OPENSSH_REQUEST_BYTES if "OpenSSH" in banner else _PORTABLE_REQUEST_BYTES

    def _open_sftp(self) -> paramiko.SFTPClient | None:
        """Return the SFTP client, None where the server has no such subsystem."""
        if self._sftp is None and self._has_sftp:
            try:
                channel = self._connection.transport.open_session(timeout=_OPEN_TIMEOUT_S)
                channel.settimeout(_OPEN_TIMEOUT_S)
                channel.invoke_subsystem("sftp")
                self._sftp = paramiko.SFTPClient(channel)
            # What start-up files print comes before the server's first word.
            except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError) as error:
                if not self._connection.transport.is_active():
                    raise self.lost(str(error)) from error
                self._has_sftp = False
        return self._sftp

    @contextlib.contextmanager
    def watched(self, progress: Progress) -> Iterator[Progress]:
        """Cut the connection when an upload stalls; see Transport."""
        # paramiko's own timeouts do not see that.
        last = [time.monotonic()]
        over = threading.Event()

        def moved(count: int) -> None:
            last[0] = time.monotonic()
            progress(count)

        def watch() -> None:
            while not over.wait(1.0):
                if time.monotonic() - last[0] > STALL_S:
                    self._connection.close()
                    return

        watchdog = threading.Thread(target=watch, name="upload-watchdog", daemon=True)
        watchdog.start()
        try:
            yield moved
        except BenchhubError:
            raise
        except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError) as error:
            if self._connection.transport.is_active() and not isinstance(error, EOFError):
                if isinstance(error, OSError):
                    raise
                raise DeviceError(f"{self.name}: upload failed: {error}; try again") from error
            raise self.lost(f"an upload was cut short: {error}") from error
        finally:
            over.set()
            watchdog.join()

    def lost(self, what: str) -> LinkLost:
        """Return the error that says that the link is gone."""
        where = self._connection.endpoint.where
        return LinkLost(f"{self.name}: the connection to {where} broke; {what}")

    def close(self) -> None:
        """End what was started, and the connection."""
        if self._sftp is not None:
            self._sftp.close()
        self._connection.close()


class SshProcess(RemoteProcess):
    """A process at the other end of one channel."""

    def __init__(self, channel: paramiko.Channel, transport: SshTransport) -> None:
        super().__init__()
        self._channel = channel
        self._transport = transport
        self._killed = False
        self._readable = threading.Event()
        channel.in_buffer.set_event(self._readable)

    def _take_stderr(self) -> None:
        """Take what is there; no thread waits for it, since megabytes fit into the window."""
        while self._channel.recv_stderr_ready():
            try:
                data = self._channel.recv_stderr(CHUNK_BYTES)
            except (OSError, EOFError, paramiko.SSHException):
                return
            if not self._keep_stderr(data):
                return

    def stderr_tail(self) -> str:
        """Return the last few kilobytes of stderr, on one line."""
        self._take_stderr()
        return super().stderr_tail()

    def write(self, data: bytes | memoryview) -> None:
        """Send all of `data` to stdin."""
        view = memoryview(data)
        try:
            # A packet at a time: sendall copies all that is left, and a rest is a packet, too.
            for start in range(0, len(view), PACKET_BYTES):
                self._channel.sendall(bytes(view[start : start + PACKET_BYTES]))
        except TimeoutError as error:
            raise TimeoutError("the process does not read its input") from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._ended():
                raise BrokenPipeError("the process ended") from error
            raise self._transport.lost("while sending to a process") from error

    def close_stdin(self) -> None:
        """End stdin."""
        with contextlib.suppress(OSError, EOFError):
            self._channel.shutdown_write()

    def read(self, timeout_s: float) -> bytes:
        """Return the next bytes of stdout."""
        # The channel's own timeout would be the writers' too.
        until = time.monotonic() + timeout_s
        while not self._readable.wait(max(0.0, min(_STDERR_S, until - time.monotonic()))):
            self._take_stderr()
            if time.monotonic() >= until:
                raise TimeoutError("no output")
        self._take_stderr()
        data = self._channel.recv(CHUNK_BYTES)
        if not data and not self._ended() and not self._killed:
            raise self._transport.lost("while a process ran")
        return data

    def wait(self, timeout_s: float) -> int:
        """Return the exit status."""
        # Channel.recv_exit_status knows no limit.
        if not self._channel.status_event.wait(timeout_s):
            raise TimeoutError("still running")
        self._take_the_rest()
        status = self._channel.exit_status
        if status == -1 and not self._ended() and not self._killed:
            raise self._transport.lost("while waiting for a process")
        return status

    def _take_the_rest(self) -> None:
        """Take the end of stderr, which may come after the status."""
        until = time.monotonic() + 1.0
        while not (self._channel.eof_received or self._channel.closed):
            self._take_stderr()
            if time.monotonic() > until:
                break
            time.sleep(0.01)
        self._take_stderr()

    def _ended(self) -> bool:
        # Only a living server sends the end of stdout; a dead link merely closes the channel.
        return bool(self._channel.eof_received) or self._channel.exit_status != -1

    def kill(self) -> None:
        """Close the channel: the agent ends when its stdin does."""
        # sshd ends the session's stdin; what runs on the device watches that and ends itself.
        self._killed = True
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def close(self) -> None:
        """End what was started, and the connection."""
        self.kill()


def connect(
    profile: DeviceProfile, sock_factory: SocketFactory = plain_socket, ssh: str | None = "ssh"
) -> SshTransport:
    """Return a transport to the host of `profile`, verified against its enrolled host key."""
    enrolled = host_keys.parse(profile.host_key or "", f"{profile.name}: host_key")
    endpoint = ssh_config.resolve(profile, ssh)
    connection = ssh_connect.connect(
        endpoint, profile.name, enrolled, profile.ciphers, sock_factory
    )
    return SshTransport(profile.name, connection)


def scan(
    profile: DeviceProfile, sock_factory: SocketFactory = plain_socket, ssh: str | None = "ssh"
) -> tuple[HostKey, ...]:
    """Return the host keys that the host of `profile` shows, ed25519 first, without logging in.

    Its ssh configuration and jump hosts apply; the jump hosts' own keys must be known.
    """
    endpoint = ssh_config.resolve(profile, ssh)
    shown = (
        ssh_connect.show_host_key(endpoint, profile.name, key_type, sock_factory)
        for key_type in host_keys.KEY_TYPES
    )
    return tuple(key for key in shown if key is not None)
