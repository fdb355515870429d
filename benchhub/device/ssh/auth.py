"""Logging in with what the user has: the agent's identities first, then key files."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH
from paramiko.pkey import PublicBlob, UnknownKeyType

from benchhub.device.ssh.config import Endpoint
from benchhub.errors import AuthenticationRefused
from benchhub.outside import Variable


def log_in(transport: paramiko.Transport, endpoint: Endpoint, name: str) -> None:
    """Authenticate `transport` at `endpoint`; AuthenticationRefused says what was offered."""
    offered: list[str] = []
    unusable: list[str] = []
    with contextlib.ExitStack() as stack:
        for label, key in _identities(endpoint, stack, unusable):
            offered.append(label)
            try:
                further = transport.auth_publickey(endpoint.user, key)
            except paramiko.BadAuthenticationType as error:
                accepted = ", ".join(error.allowed_types)
                raise AuthenticationRefused(
                    f"{name}: {endpoint.where} takes no keys from {endpoint.user!r}, only "
                    f"{accepted}; allow public keys there"
                ) from error
            except paramiko.AuthenticationException as error:
                if "timeout" in str(error).lower():
                    raise TimeoutError("no answer to a login") from error
                if not transport.is_active():
                    break
                continue
            except ValueError as error:  # a key whose signature algorithm cannot be used here
                unusable.append(f"{label}: {error}")
                continue
            if further:
                raise AuthenticationRefused(
                    f"{name}: {endpoint.where} accepts {label} but asks for {', '.join(further)} "
                    "too; benchhub logs in with keys alone"
                )
            return
    tried = ", ".join(offered) or "no key (there is none)"
    notes = "".join(f"; {note}" for note in unusable)
    raise AuthenticationRefused(
        f"{name}: {endpoint.user}@{endpoint.where} accepted none of: {tried}{notes}; add a public "
        "key to its ~/.ssh/authorized_keys, or name the right one as identity_file"
    )


def _identities(
    endpoint: Endpoint, stack: contextlib.ExitStack, unusable: list[str]
) -> Iterator[tuple[str, paramiko.PKey]]:
    wanted = {blob for path in endpoint.identity_files if (blob := _public(path))}
    held: set[bytes] = set()
    # Keys named by the user come first: servers stop listening after a few wrong ones.
    agent = sorted(_agent_keys(endpoint, stack), key=lambda key: key.asbytes() not in wanted)
    for key in agent:
        held.add(key.asbytes())
        if not endpoint.identities_only or key.asbytes() in wanted:
            yield f"agent key {key.fingerprint}", key
    for path in endpoint.identity_files:
        if not path.is_file() or _public(path) in held:
            continue
        try:
            loaded = paramiko.PKey.from_path(path)
        except (paramiko.PasswordRequiredException, TypeError):
            unusable.append(f"{path} is encrypted and no agent holds it (run `ssh-add {path}`)")
            continue
        except (paramiko.SSHException, UnknownKeyType, OSError, ValueError) as error:
            unusable.append(f"{path} cannot be read ({error})")
            continue
        yield str(path), loaded


def _agent_keys(endpoint: Endpoint, stack: contextlib.ExitStack) -> tuple[paramiko.PKey, ...]:
    path = endpoint.agent_socket or os.environ.get(Variable.SSH_AGENT)
    if not endpoint.use_agent or not path:
        return ()
    connection = socket.socket(socket.AF_UNIX)
    stack.callback(connection.close)
    connection.settimeout(5.0)
    try:
        connection.connect(os.path.expandvars(path))
        agent = AgentSSH()
        # The public Agent only knows $SSH_AUTH_SOCK.
        agent._connect(connection)  # type: ignore[attr-defined]
    except (OSError, paramiko.SSHException):
        return ()  # a stale agent socket is common, and key files may do
    # Without limit from here: a security key asks its user to touch it.
    connection.settimeout(None)
    return tuple(agent.get_keys())


def _public(path: Path) -> bytes | None:
    """Return the public half of a key file, from its `.pub` neighbour."""
    for candidate in (path, path.with_name(path.name + ".pub")):
        if candidate.suffix == ".pub" and candidate.is_file():
            with contextlib.suppress(paramiko.SSHException, OSError, ValueError, IndexError):
                return bytes(PublicBlob.from_file(str(candidate)).key_blob)
    return None
