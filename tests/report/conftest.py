"""Lets tests of every format import the runs that are shown."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
