"""Lets the tests of commands use the SSH server of the device tests, and the reports' results."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "device"))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from loopback_sshd import no_ssh_agent, sshd
from small_files import files_up_to

__all__ = ["files_up_to", "no_ssh_agent", "sshd"]
