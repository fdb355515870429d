"""Lets tests of every folder import `builders`, and keeps the rules that hold for all of them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import PLUGINS

pytest_plugins = [*PLUGINS, "lab.plugin", "postgresql.plugin"]
