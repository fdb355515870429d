"""Headless Chromium for tests; without it the tests fail, they are not skipped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Its path."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "chromium is missing; install it: apt-get install chromium"
    return found


def dump_dom(page: Path, profile: Path, *flags: str, address: str = "") -> str:
    """The document as Chromium holds it once loaded; `address` is the part behind its `#`."""
    uri = f"{page.as_uri()}#{address}" if address else page.as_uri()
    argv = [chromium(), *FLAGS, f"--user-data-dir={profile}", *flags, "--dump-dom", uri]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
