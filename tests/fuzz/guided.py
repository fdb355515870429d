"""The same by coverage, for parsers in Python: atheris chooses what to change next.

Needs `atheris` (the extra `fuzz`), and is started as `child` is.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from .forms import in_form
from .mutation import MOST_BYTES, mutated


def main(argv: list[str]) -> None:
    """Try inputs for some seconds; those that reach new code are kept for the next sitting."""
    import atheris

    name, folder, begin, for_s = argv
    with atheris.instrument_imports(include=["benchhub"]):
        from .child import Trying, bounded
        from .targets import corpus, known

        target = known(name)
        trying = Trying(target, Path(folder))
        seeds = [*target.seeds(), *corpus(target)]
        for number, seed in enumerate(seeds):  # what is imported where it is used is here now
            trying.one(-1 - number, seed)
    trying.settled()
    bounded()
    kept = Path(folder).parent.parent / "reached" / name
    kept.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (kept / f"seed-{number}").write_bytes(seed)
    count = [int(begin)]
    until = time.monotonic() + float(for_s)

    def one(data: bytes) -> None:
        if time.monotonic() > until:
            trying.note(count[0])
            os._exit(0)
        trying.one(count[0], data)
        count[0] += 1

    def change(data: bytes, most: int, seed: int) -> bytes:
        trying.note(count[0], between=True)
        draw = random.Random(seed)

        def part(given: bytes) -> bytes:
            if draw.random() < 0.5:
                return bytes(atheris.Mutate(given, MOST_BYTES))
            return mutated(given, draw, target.words, seeds)

        return in_form(data, target.form, draw, part)[:most]

    words = [f"-max_len={MOST_BYTES}", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *words, str(kept)], one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
