"""Parsers of what users and devices send, under mutation: a value, or one line, whatever comes.

    python -m tests.fuzz --for 600 --folder .fuzz --resume

`targets` says which parsers there are, `mutation` and `forms` make mutants, `child` tries them in a
process of its own, `campaign` watches it and keeps what was found. `hard` and `corpus/` hold what
was hard once; `make test` reads all of that again.
"""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:  # builders and the like are found from everywhere
    sys.path.insert(0, str(TESTS))
