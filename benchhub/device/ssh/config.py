"""Where a host name leads: the user's OpenSSH configuration, resolved by `ssh -G` itself.

paramiko's own parser ignores Include, does not act on ProxyJump and matches some Match blocks
against every host, so it is only used, with a warning, where there is no OpenSSH client.
"""

from __future__ import annotations

import getpass
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import paramiko

from benchhub.errors import ConfigError
from benchhub.model.device import DeviceProfile

_NOT_UNDERSTOOD = re.compile(r"^\s*(include|match|proxyjump)\b", re.IGNORECASE | re.MULTILINE)
_MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SSH server and how to log in there; `jump` is the server to go through, if any."""

    alias: str
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent_socket: str | None = None
    use_agent: bool = True
    proxy_command: str | None = None
    jump: Endpoint | None = None
    known_hosts: tuple[Path, ...] = ()
    known_as: str = ""
    connect_timeout_s: float = 10.0
    warnings: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The address as messages show it."""
        return f"{self.host}:{self.port}"

    def enroll_command(self, name: str) -> str:
        """Return the command that enrols this server as device `name`, to be pasted."""
        words = ["benchhub", "devices", "enroll", self.alias, "--name", name]
        return shlex.join(words if self.port == 22 else [*words, "--port", str(self.port)])


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
        arguments += ["-i", str(profile.identity_file.expanduser())]
    if profile.proxy_jump:
        arguments += ["-J", profile.proxy_jump]
    return _Resolver(profile, ssh).endpoint(profile.host, arguments, 0)


class _Resolver:
    def __init__(self, profile: DeviceProfile, ssh: str | None) -> None:
        self._profile = profile
        self._ssh = shutil.which(ssh) if ssh else None

    def endpoint(self, alias: str, arguments: list[str], depth: int) -> Endpoint:
        if depth > _MAX_HOPS:
            raise ConfigError(
                f"{self._profile.name}: more than {_MAX_HOPS} jump hosts; does ProxyJump of "
                f"{alias!r} lead back to itself?"
            )
        warnings: tuple[str, ...] = ()
        if self._ssh:
            options = self._ask_openssh(alias, arguments)
        else:
            options, warnings = self._parse(alias, arguments)

        def first(key: str, default: str = "") -> str:
            return options.get(key, [default])[0]

        host, port = first("hostname", alias), int(first("port", "22"))
        user = first("user") or getpass.getuser()
        tokens = {"%": "%", "h": host, "p": str(port), "r": user, "n": alias}
        tokens |= {"u": getpass.getuser(), "d": str(Path.home())}
        agent = first("identityagent")
        jump = first("proxyjump")
        command = first("proxycommand")
        timeout = first("connecttimeout", "none")
        known = [*options.get("userknownhostsfile", []), *options.get("globalknownhostsfile", [])]
        alias_key = first("hostkeyalias")
        return Endpoint(
            alias=alias,
            host=host,
            port=port,
            user=user,
            identity_files=tuple(_path(f, tokens) for f in options.get("identityfile", [])),
            identities_only=first("identitiesonly") in ("yes", "true"),
            agent_socket=_agent_socket(agent, tokens),
            use_agent=agent.lower() != "none",
            proxy_command=_fill(command, tokens) if command.lower() not in ("", "none") else None,
            jump=self._chain(jump, depth) if jump.lower() not in ("", "none") else None,
            known_hosts=tuple(_path(f, tokens) for line in known for f in line.split()),
            known_as=alias_key or (host if port == 22 else f"[{host}]:{port}"),
            connect_timeout_s=float(timeout) if timeout.isdigit() else self._connect_timeout_s(),
            warnings=warnings,
        )

    def _connect_timeout_s(self) -> float:
        return self._profile.connect_timeout_s

    def _chain(self, spec: str, depth: int) -> Endpoint:
        """Return the last hop of `user@host:port,..`; the earlier ones are its jump hosts."""
        *earlier, last = spec.split(",")
        arguments, alias = _hop(last.strip())
        if earlier:
            arguments += ["-J", ",".join(earlier)]
        return self.endpoint(alias, arguments, depth + 1)

    def _ask_openssh(self, alias: str, arguments: list[str]) -> dict[str, list[str]]:
        assert self._ssh is not None
        argv = [self._ssh, "-G"]
        if self._profile.ssh_config:
            argv += ["-F", str(self._profile.ssh_config.expanduser())]
        done = subprocess.run(
            [*argv, *arguments, "--", alias],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if done.returncode:
            cause = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise ConfigError(f"{self._profile.name}: `ssh -G {alias}` failed: {cause}")
        options: dict[str, list[str]] = {}
        for line in done.stdout.splitlines():
            key, _, value = line.partition(" ")
            options.setdefault(key, []).append(value)
        return options

    def _parse(
        self, alias: str, arguments: list[str]
    ) -> tuple[dict[str, list[str]], tuple[str, ...]]:
        path = (self._profile.ssh_config or Path("~/.ssh/config")).expanduser()
        options: dict[str, list[str]] = {}
        warnings: tuple[str, ...] = ()
        if path.is_file():
            text = path.read_text()
            words = sorted({word.lower() for word in _NOT_UNDERSTOOD.findall(text)})
            if words:
                warnings = (
                    f"{path}: {', '.join(words)} may be misread without an OpenSSH client; "
                    "install openssh-client",
                )
            try:
                parsed = paramiko.SSHConfig.from_text(text).lookup(alias)
            except paramiko.SSHException as error:
                raise ConfigError(f"{path}: cannot be read: {error}") from error
            for key, value in parsed.items():
                options[key] = value if isinstance(value, list) else [value]
        elif self._profile.ssh_config:
            raise ConfigError(f"{self._profile.name}: ssh_config {path} does not exist")
        names = {"-p": "port", "-l": "user", "-J": "proxyjump"}
        for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
            if flag == "-i":
                options["identityfile"] = [value, *options.get("identityfile", [])]
            else:
                options[names[flag]] = [value]
        defaults = [f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa")]
        options.setdefault("identityfile", defaults)
        options.setdefault("userknownhostsfile", ["~/.ssh/known_hosts"])
        return options, warnings


def _hop(spec: str) -> tuple[list[str], str]:
    rest = spec.removeprefix("ssh://")
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


def _agent_socket(value: str, tokens: dict[str, str]) -> str | None:
    if value.lower() in ("", "none", "ssh_auth_sock"):
        return None
    return str(_path(value, tokens))


def _fill(text: str, tokens: dict[str, str]) -> str:
    return re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)


def _path(text: str, tokens: dict[str, str]) -> Path:
    return Path(_fill(text.strip('"'), tokens)).expanduser()
