"""What OpenSSH can do and benchhub cannot stands in the docs, and was tried."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_login_situations
import test_trust_situations
import test_way_situations
from repository import ROOT

from benchhub.device.ssh import unsupported, where
from benchhub.device.ssh.unsupported import UNSUPPORTED

PAGE = (ROOT / "docs/how-to/ssh.md").read_text()
TABLES = [
    test_trust_situations.SITUATIONS,
    test_login_situations.SITUATIONS,
    test_way_situations.SITUATIONS,
]


@pytest.mark.parametrize("keyword", [one.keyword for one in UNSUPPORTED])
def test_a_setting_that_is_not_followed_is_in_the_docs(keyword: str) -> None:
    assert f"`{keyword}`" in PAGE


def test_situations_have_names_of_their_own() -> None:
    for table in TABLES:
        names = [one.id for one in table]
        assert len(set(names)) == len(names)
    assert sum(map(len, TABLES)) >= 180  # as docs/how-to/ssh.md has it, with the accounts' 30


def test_a_line_names_the_setting_that_is_on_and_where_it_stands(tmp_path: Path) -> None:
    config, more = tmp_path / "config", tmp_path / "more"
    config.write_text(f"# first\nInclude {more}\nHost a\n  GSSAPIAuthentication=no\n")
    more.write_text('Host b\n\tgssapiauthentication  "yes"\n')
    on = {"gssapiauthentication": ["yes"], "pkcs11provider": ["none"]}
    (line,) = unsupported.notes(on, config, "login")
    assert line.startswith(f"GSSAPIAuthentication is set ({more} line 2): ")
    assert unsupported.notes(on, config, "command") == ()
    off = {"gssapiauthentication": ["no"]}
    assert unsupported.notes(off, config, "login") == ()


def test_where_nothing_sets_it_the_files_are_named(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Include {config}\nInclude 'unfinished\n\xff\n", encoding="latin-1")
    assert where.place(config, "Ciphers") == str(config)
