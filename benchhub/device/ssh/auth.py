"""Logging in as OpenSSH would without asking anybody: with nothing, then a key after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import cast

import paramiko

from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.keys.identities import Credential, Identities, forbidden
from benchhub.device.ssh.keys.key_agent import AgentError, KeyAgent
from benchhub.errors import AuthenticationRefused

_KEY = "publickey"


def log_in(transport: paramiko.Transport, endpoint: Endpoint, name: str) -> None:
    """Authenticate `transport` at `endpoint`; AuthenticationRefused says what was offered."""
    login = _Login(transport, endpoint, name)
    if not login.needs_no_key():
        if not endpoint.login.keys_allowed:
            raise login.refused(f"{endpoint.login.forbidden_by}, and benchhub has nothing else")
        with contextlib.ExitStack() as stack:
            agent = _agent(endpoint, stack, login.notes)
            login.with_keys(Identities(endpoint.login, agent))


class _Login:
    def __init__(self, transport: paramiko.Transport, endpoint: Endpoint, name: str) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._name = name
        self._offered: list[str] = []
        self.notes: list[str] = []

    def refused(self, why: str) -> AuthenticationRefused:
        """Return the error, with what the configuration has to say about it."""
        notes = "".join(f"; {note}" for note in (*self.notes, *self._endpoint.login.notes))
        return AuthenticationRefused(f"{self._name}: {self._who()}: {why}{notes}")

    def needs_no_key(self) -> bool:
        """Ask to be let in as one is; tells also whether keys are any good here."""
        try:
            self._transport.auth_none(self._endpoint.user)
        except paramiko.BadAuthenticationType as error:
            if _KEY not in error.allowed_types:
                raise AuthenticationRefused(
                    f"{self._name}: {self._endpoint.where} takes no keys from "
                    f"{self._endpoint.user!r}, only {', '.join(error.allowed_types)}; allow public "
                    "keys there"
                ) from error
            return False
        except paramiko.AuthenticationException as error:
            self._unless_silent(error)
            if not self._transport.is_active():
                raise
            return False
        return True

    def with_keys(self, identities: Identities) -> None:
        """Show one key after the other until the server is content."""
        used: list[bytes] = []
        self._offered.clear()
        further: Sequence[str] | None = None
        while (further := self._round(identities, used, further)) is not None:
            if not further:
                return
            if _KEY not in further:
                raise self.refused(
                    f"it accepts {self._offered[-1]} but asks for {', '.join(further)} too; "
                    "benchhub logs in with keys alone"
                )
        self.notes += identities.unusable
        tried = ", ".join(self._offered) or "no key (there is none)"
        if used:
            raise self.refused(f"it wants one more key than those it accepted, of: {tried}")
        self._raise_none_accepted(tried)

    def _raise_none_accepted(self, tried: str) -> None:
        if not self._transport.is_active():
            raise self.refused(
                f"it hung up after {len(self._offered)} keys: {tried}; name the right one as "
                "identity_file in its profile, or set IdentitiesOnly and IdentityFile for it"
            )
        raise self.refused(
            f"accepted none of: {tried}; add a public key to its ~/.ssh/authorized_keys, or name "
            "the right one as identity_file"
        )

    def _round(
        self, identities: Identities, used: list[bytes], further: Sequence[str] | None
    ) -> Sequence[str] | None:
        """Return what the server asks for after the next key that it accepts, None for none."""
        for identity in identities.in_order():
            if identity.shown in used:
                continue
            allowed = self._endpoint.algorithms.users_keys
            if setting := forbidden(identity, allowed, self._endpoint.login.least_rsa_bits):
                self.notes.append(f"{setting} of its ssh configuration forbids {identity.label}")
                continue
            if identity.label not in self._offered:
                self._offered.append(identity.label)
            asked = self._show(identity)
            if asked is not None:
                used.append(identity.shown)
                return asked
            if not self._transport.is_active():
                return None
        return None

    def _show(self, identity: Credential) -> Sequence[str] | None:
        """Show one; return what the server asks for beside it, None where it does not want it."""
        try:
            key = cast(paramiko.PKey, identity)  # it has what paramiko needs of one to log in
            return list(self._transport.auth_publickey(self._endpoint.user, key))
        except paramiko.BadAuthenticationType as error:
            accepted_types = ", ".join(error.allowed_types)
            raise self.refused(f"it takes no keys any more, only {accepted_types}") from error
        except paramiko.AuthenticationException as error:
            self._unless_silent(error)
        except (AgentError, ValueError) as error:
            self.notes.append(f"{identity.label} cannot sign: {error}")
        except paramiko.SSHException as error:
            if self._transport.is_active():
                self.notes.append(f"{identity.label} cannot sign: {error}")
        return None

    def _who(self) -> str:
        return f"{self._endpoint.user}@{self._endpoint.where}"

    def _unless_silent(self, error: Exception) -> None:
        if "timeout" in str(error).lower():
            raise TimeoutError("no answer to a login") from error


def _agent(endpoint: Endpoint, stack: contextlib.ExitStack, notes: list[str]) -> KeyAgent | None:
    path = endpoint.login.agent_socket
    if not path:
        return None
    try:
        agent = KeyAgent(path)
    except AgentError as error:  # a stale agent socket is common, and key files may do
        notes.append(f"the agent at {path} is not there ({error})")
        return None
    stack.callback(agent.close)
    return agent
