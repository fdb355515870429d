"""Lets the tests of pages use the SSH server of the device tests, and the reports' browser."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "device"))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from loopback_sshd import no_ssh_agent, sshd

__all__ = ["no_ssh_agent", "sshd"]
