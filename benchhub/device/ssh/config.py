"""Where a host name leads: the user's OpenSSH configuration, resolved by `ssh -G` itself.

paramiko's own parser ignores Include, does not act on ProxyJump and matches some Match blocks
against every host, so it is only used, with a warning, where there is no OpenSSH client.
"""

from __future__ import annotations

import os
import re
import shutil

from benchhub.device.ssh import unsupported
from benchhub.device.ssh.asked import Options, of_openssh, of_paramiko
from benchhub.device.ssh.endpoint import Algorithms, Endpoint, Login, Trusted
from benchhub.device.ssh.tokens import Tokens, me, tilde
from benchhub.device.ssh.where import check, place
from benchhub.errors import ConfigError
from benchhub.model.device import DeviceProfile
from benchhub.outside import Variable

_MAX_HOPS = 8
#: A path with more spaces than that is none.
_MOST_WORDS = 16


def resolve(profile: DeviceProfile, ssh: str | None = "ssh") -> Endpoint:
    """Return the Endpoint of `profile`; ConfigError if its ssh configuration cannot be read.

    `ssh` is the OpenSSH client to ask; None, or one that is not installed, means paramiko's
    parser, and then the Endpoint carries warnings about words that one does not understand.
    """
    arguments: list[str] = []
    if profile.port is not None:
        arguments += ["-p", str(profile.port)]
    if profile.user:
        arguments += ["-l", profile.user]
    if profile.identity_file:
        arguments += ["-i", str(tilde(str(profile.identity_file)))]
    if profile.proxy_jump:
        arguments += ["-J", profile.proxy_jump]
    return _Resolver(profile, ssh).endpoint(profile.host, arguments, 0)


class _Resolver:
    def __init__(self, profile: DeviceProfile, ssh: str | None) -> None:
        self._profile = profile
        self._config = tilde(str(profile.ssh_config)) if profile.ssh_config else None
        self._ssh = shutil.which(ssh) if ssh else None

    def endpoint(self, alias: str, arguments: list[str], depth: int) -> Endpoint:
        if depth > _MAX_HOPS:
            raise ConfigError(
                f"{self._profile.name}: more than {_MAX_HOPS} jump hosts; does ProxyJump of "
                f"{alias!r} lead back to itself?"
            )
        warnings: tuple[str, ...] = ()
        owner = self._profile.name
        if depth == 0:
            check(self._config, owner)
        if self._ssh:
            said = of_openssh(self._ssh, self._config, alias, arguments, owner)
        else:
            said, warnings = of_paramiko(self._config, alias, arguments, owner)
        if depth == 0 and (found := unsupported.notes(said.values, self._config, "command")):
            raise ConfigError(f"{owner}: {'; '.join(found)}")
        jump = said.unless_none("proxyjump")
        tokens = Tokens(
            owner=owner,
            alias=alias,
            host=said.first("hostname", alias).lower(),
            port=said.number("port", 22, owner),
            user=said.first("user") or me(),
            jump=jump.rpartition(",")[2],
            key_alias=said.first("hostkeyalias"),
        )
        command = said.unless_none("proxycommand")
        timeout = said.first("connecttimeout", "none")
        return Endpoint(
            alias=alias,
            host=tokens.host,
            port=tokens.port,
            user=tokens.user,
            login=self._login(said, tokens, named=depth == 0),
            trusted=self._trusted(said, tokens),
            algorithms=_algorithms(said),
            proxy_command=tokens.command(command) if command else None,
            proxy_pattern=command,
            proxy_passes_socket=said.on("proxyusefdpass"),
            jump=self._chain(tokens.command(jump), depth) if jump else None,
            address_family=said.first("addressfamily", "any"),
            bind_address=said.unless_none("bindaddress") or None,
            connect_timeout_s=self._timeout_s(timeout),
            warnings=warnings,
        )

    def _timeout_s(self, told: str) -> float:
        known = told.isascii() and told.isdecimal() and len(told) < 9
        return float(told) if known else self._profile.connect_timeout_s

    def _login(self, said: Options, tokens: Tokens, named: bool) -> Login:
        methods = said.first("preferredauthentications")
        off = said.first("pubkeyauthentication", "yes") in ("no", "false")
        forbidden_by = ""
        if off:
            at = place(self._config, "PubkeyAuthentication", "no")
            forbidden_by = f"PubkeyAuthentication is off ({at})"
        elif methods and "publickey" not in methods.split(","):
            at = place(self._config, "PreferredAuthentications", methods)
            forbidden_by = f"PreferredAuthentications leaves publickey out ({at})"
        file = self._profile.identity_file if named else None
        return Login(
            named=tilde(str(file)) if file else None,
            identity_files=tuple(map(tokens.path, said.every("identityfile"))),
            certificate_files=tuple(map(tokens.path, said.every("certificatefile"))),
            identities_only=said.on("identitiesonly"),
            agent_socket=_agent_socket(said.first("identityagent"), tokens),
            keys_allowed=not forbidden_by,
            forbidden_by=forbidden_by,
            least_rsa_bits=said.number("requiredrsasize", 0, tokens.owner),
            notes=unsupported.notes(said.values, self._config, "login"),
        )

    def _trusted(self, said: Options, tokens: Tokens) -> Trusted:
        key_alias, host = tokens.key_alias.lower(), tokens.host
        if key_alias:
            names: tuple[str, ...] = (key_alias,)
        elif tokens.port == 22:
            names = (host,)
        else:
            names = (f"[{host}]:{tokens.port}", host)
        known = [*said.every("userknownhostsfile"), *said.every("globalknownhostsfile")]
        revoked = said.unless_none("revokedhostkeys")
        return Trusted(
            names=names,
            files=tuple(tokens.path(f) for line in known for f in _paths(line) if f != "none"),
            revoked=tokens.path(revoked) if revoked else None,
            not_on_loopback=said.on("nohostauthenticationforlocalhost") and not key_alias,
            notes=unsupported.notes(said.values, self._config, "host key"),
        )

    def _chain(self, spec: str, depth: int) -> Endpoint:
        """Return the last hop of `user@host:port,..`; the earlier ones are its jump hosts."""
        *earlier, last = spec.split(",")
        arguments, alias = _hop(last.strip())
        if earlier:
            arguments += ["-J", ",".join(earlier)]
        return self.endpoint(alias, arguments, depth + 1)


def _algorithms(said: Options) -> Algorithms:
    return Algorithms(
        kex=said.listed("kexalgorithms"),
        ciphers=said.listed("ciphers"),
        macs=said.listed("macs"),
        host_keys=said.listed("hostkeyalgorithms"),
        users_keys=said.listed("pubkeyacceptedalgorithms"),
        authorities=said.listed("casignaturealgorithms"),
    )


def _hop(spec: str) -> tuple[list[str], str]:
    rest = spec.removeprefix("ssh://").rstrip("/")
    arguments: list[str] = []
    if "@" in rest:
        user, _, rest = rest.rpartition("@")
        arguments += ["-l", user]
    bracketed = re.fullmatch(r"\[(?P<host>.+)\](:(?P<port>\d+))?", rest)
    plain = re.fullmatch(r"(?P<host>[^:]+):(?P<port>\d+)", rest)
    if found := bracketed or plain:
        rest = found["host"]
        if found["port"]:
            arguments += ["-p", found["port"]]
    return arguments, rest


def _agent_socket(value: str, tokens: Tokens) -> str | None:
    """Return the path of the agent's socket, None for no agent."""
    if value.lower() == "none":
        return None
    if value in ("", "SSH_AUTH_SOCK"):
        return os.environ.get(Variable.SSH_AGENT)
    if value.startswith("$") and not value.startswith("${"):
        path = os.path.expandvars(value)
        return None if path == value else path
    return str(tokens.path(value))


def _paths(line: str) -> list[str]:
    """Return the paths of a line of `ssh -G`, which puts no quotes around one with spaces."""
    words = line.split(" ")
    found: list[str] = []
    while words:
        for count in range(min(len(words), _MOST_WORDS), 0, -1):
            path = " ".join(words[:count])
            if count == 1 or os.path.exists(tilde(path)):
                break
        found.append(path)
        del words[:count]
    return [path for path in found if path]
