"""Accounts on a device: login shells, start-up files that print, homes and Pythons of all kinds."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab.command import why_not
from lab.plugin import give_up
from loopback_sshd import start_sshd
from ssh_site import Site
from ssh_situation import Situation, check

from benchhub.device.provision.install import Trouble
from benchhub.device.provision.lock import Lock, Pinned
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.ssh import transport as ssh
from benchhub.model.device import DeviceProfile

_BOOT = Path(__file__).with_name("boot_shells.sh")
_TOOLS = ("sh", "cat", "ls", "mkdir", "mv", "rm", "id", "uname", "true")
#: Login shell of each account, and what its files hold; `{home}` of one is not there.
ACCOUNTS: dict[str, tuple[str, dict[str, str]]] = {
    **{
        shell: (shell, {})
        for shell in ("sh", "bash", "dash", "rbash", "zsh", "fish", "csh", "tcsh")
    },
    "nologin": ("nologin", {}),
    "false": ("false", {}),
    "noshell": ("no-such-shell", {}),
    "bash-prints": ("bash", {".bashrc": "printf 'Welcome to the board'\n"}),
    "bash-prints-lines": ("bash", {".bashrc": "for i in $(seq 300); do echo line $i; done\n"}),
    "bash-prints-json": ("bash", {".bashrc": """printf '{"event": "greeting"}\\n{"a": ['\n"""}),
    "bash-prints-bytes": ("bash", {".bashrc": "printf '\\377\\376\\033[2J'\n"}),
    "bash-complains": ("bash", {".bashrc": "stty -a; tput clear; nonsense\n"}),
    "bash-is-strict": ("bash", {".bashrc": "set -eu\n"}),
    "bash-ends": ("bash", {".bashrc": "echo maintenance >&2; exit 3\n"}),
    "zsh-prints": ("zsh", {".zshenv": "printf 'Welcome'; setopt rc_quotes\n"}),
    "fish-prints": ("fish", {".config/fish/config.fish": "printf Welcome\n"}),
    "csh-prints": ("csh", {".cshrc": "echo -n Welcome\nset noclobber\n"}),
    "tcsh-prints": ("tcsh", {".tcshrc": "echo -n 'Welcome '\nset backslash_quote\n"}),
    "rc-prints": ("sh", {".ssh/rc": "printf 'Welcome'\n"}),
    "homeless": ("sh", {}),
    "readonly": ("sh", {}),
    "noexec": ("bash", {}),
    "python312": ("sh", {}),
    "python-of-old": ("sh", {}),
    "pythonless": ("sh", {}),
    "open": ("sh", {}),
}
_SET_PATH = "Match User {name}\n  SetEnv PATH={folder}/bins/{name}\n"
HOME = {"root": "~/.cache/benchhub/device"}
ANY = {"python": "python3"}


def account(
    name: str,
    refused: str | None = None,
    lacking: bool = False,
    called: str = "",
    **profile: object,
) -> Situation:
    """Return the situation of one account, with the tests' own Python unless another is said."""
    return Situation(
        called or name,
        f"  Port {{shells_port}}\n  User {name}\n",
        known="* {shells_key}\n",
        refused=refused,
        lacking=lacking,
        hello=True,
        profile={"python": sys.executable, **profile},
    )


NOTHING = "does not run what it is asked to.*chsh"
SITUATIONS = [
    *(account(shell, **HOME) for shell in ("sh", "bash", "dash", "rbash")),
    *(account(shell, **HOME) for shell in ("zsh", "fish", "csh", "tcsh")),
    account("nologin", refused="not available.*chsh"),
    account("false", refused=NOTHING),
    dataclasses.replace(account("open"), keys="  IdentityFile {here}/missing\n"),
    account("noshell", refused="accepted none of"),
    *(account(name) for name in ACCOUNTS if "-prints" in name),
    account("bash-complains"),
    account("bash-is-strict"),
    account("bash-ends", refused="does not run what it is asked to .status 3: maintenance"),
    account("homeless", **HOME),
    account("homeless", called="homeless-with-a-root-of-its-own"),
    account("readonly", **HOME),
    account("noexec", **HOME),
    account("sh", called="root-is-the-home", root="~"),
    account("python312", **ANY),
    account("python-of-old", **ANY),
    account("pythonless", "no 'python3' on it, nor another from 3.8 on", lacking=True, **ANY),
    account("sh", "no 'python9' on it; install", True, "python-by-a-wrong-name", python="python9"),
]


@pytest.fixture(scope="module")
def shells(site: Site) -> Iterator[Site]:
    """Return the site with a server of these accounts."""
    reason = why_not()
    if reason is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    folder = site.folder / "shells"
    (folder / "homes").mkdir(parents=True)
    lines = [Path("/etc/passwd").read_text()]
    for name, (shell, files) in ACCOUNTS.items():
        home = folder / "homes" / name
        if name != "homeless":
            home.mkdir()
        for file, text in files.items():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_text(text)
        where = shutil.which(shell, path="/usr/sbin:/usr/bin:/bin") or f"/{shell}"
        password = "" if name == "open" else "*"
        lines.append(f"{name}:{password}:0:0::{home}:{where}\n")
    (folder / "passwd").write_text("".join(lines))
    make_paths(folder)
    limited = ("python312", "python-of-old", "pythonless")
    (folder / "paths").write_text(
        "".join(_SET_PATH.format(name=name, folder=folder) for name in limited)
        + "Match User open\n  PermitEmptyPasswords yes\n  PasswordAuthentication yes\n"
    )
    kept = {str(folder.parent), sys.prefix, sys.base_prefix}
    below = sorted(path for path in kept if path.startswith("/tmp/"))
    server = start_sshd(
        folder / "server",
        within=("unshare", "-m", "sh", str(_BOOT), str(folder), *below, "--"),
        sftp=False,  # a program beside the server is started by the login shell
        extra=f"Subsystem sftp {sftp_server()}\nInclude {folder}/paths",
        AuthorizedKeysFile=f"{site.folder}/authorized",
    )
    yield dataclasses.replace(
        site, more={"shells_port": server.port, "shells_key": server.host_key}
    )
    server.stop()


def sftp_server() -> str:
    """Return the path of the program, which lies in no folder of programs."""
    folders = ("/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh")
    return shutil.which("sftp-server", path=":".join(folders)) or "/usr/lib/openssh/sftp-server"


def make_paths(folder: Path) -> None:
    """Make folders of programs for accounts that find few, and other Pythons."""
    for name in ("python312", "python-of-old", "pythonless"):
        programs = folder / "bins" / name
        programs.mkdir(parents=True)
        for tool in _TOOLS:
            (programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        if name != "pythonless":
            script(programs / "python3.12", f'exec {sys.executable} "$@"')
    as_of_old = folder / "as_of_old.py"
    as_of_old.write_text(
        "import runpy, sys\n"
        "sys.version_info = (3, 6, 15, 'final', 0)\n"
        "del sys.argv[0]\n"
        "if sys.argv[0] == '-c':\n"
        "    exec(sys.argv.pop(1))\n"
        "else:\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    script(folder / "bins" / "python-of-old" / "python3", f'exec {sys.executable} {as_of_old} "$@"')


def script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_account(
    situation: Situation, shells: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(situation, shells, tmp_path, monkeypatch)


def test_what_belongs_below_a_home_that_is_not_there_makes_none(shells: Site) -> None:
    assert not (shells.folder / "shells" / "homes" / "homeless").exists()
    assert not list((shells.folder / "shells" / "homes").glob("**/*HOME*"))


@pytest.fixture
def into(shells: Site, tmp_path: Path) -> Callable[[str], DeviceProfile]:
    """Return what makes the profile of an account."""

    def profile(name: str) -> DeviceProfile:
        words = {**shells.words(), "here": tmp_path, "name": name}
        (tmp_path / "known_hosts").write_text("* {shells_key}\n".format(**words))
        lines = ("Port {shells_port}", "User {name}", "IdentityFile {site}/main",
                 "IdentitiesOnly yes", "UserKnownHostsFile {here}/known_hosts")  # fmt: skip
        config = tmp_path / "config"
        config.write_text("".join(f"{line}\n" for line in lines).format(**words))
        return DeviceProfile(
            "board", "ssh", host="127.0.0.1", ssh_config=config, python=sys.executable
        )

    return profile


def test_where_nothing_can_be_executed_no_runtime_is_given(
    into: Callable[[str], DeviceProfile],
) -> None:
    wanted = Pinned(Lock("onnxruntime", "any", "onnxruntime", ()), (), ())
    with DeviceSession.open(into("noexec"), build_runner(), holder("noexec")) as session:
        trouble = session.build(wanted, [], 60.0)
    assert isinstance(trouble, Trouble)
    assert "noexec" in trouble.message
    assert "set root" in trouble.message


def test_what_start_up_files_print_harms_no_upload(
    into: Callable[[str], DeviceProfile],
) -> None:
    with contextlib.closing(ssh.connect(into("bash-prints"))) as transport:
        home = transport.run(["sh", "-c", "echo $HOME"]).stdout.decode().split("board")[-1].strip()
        transport.upload(io.BytesIO(b"model"), f"{home}/uploaded", 0, lambda count: None)
        assert transport.run(["cat", f"{home}/uploaded"]).stdout.endswith(b"model")
