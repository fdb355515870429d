"""`python -m benchmarks.wild`: fetch the models, measure them, write the table."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import shlex
import sys
import tempfile
from pathlib import Path

from benchhub.ondevice.facts import cpu
from benchmarks.wild import kept, manifest, table
from benchmarks.wild.fetch import fetch
from benchmarks.wild.measure import Cell, measure

_MEASURES = ("benchhub", "onnxruntime", "openvino", "ai-edge-litert", "numpy")


def main() -> int:
    """Return 0, or 1 where a number is wrong."""
    known = manifest.load()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wild", description=__doc__)
    parser.add_argument("--only", action="append", choices=[one.name for one in known],
                        metavar="MODEL", help="one of the manifest's; repeatable")  # fmt: skip
    parser.add_argument("--folder", type=Path, help="keep downloads and runs here")
    parser.add_argument("--resume", action="store_true",
                        help="take from --folder what was measured of a model before")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="launches beside the bare loop")
    parser.add_argument("-o", "--output", type=Path, help="write README.md and wild.json here")
    options = parser.parse_args()
    if options.resume and not options.folder:
        parser.error("--resume needs the --folder that holds what was measured")
    models = [one for one in known if not options.only or one.name in options.only]
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        files = fetch(models, folder)
        for model in models:
            found = kept.read(model, folder, options.rounds) if options.resume else None
            if found is None:
                print(f"measuring {model.name}", file=sys.stderr, flush=True)
                found = measure(model, files[model.name], folder, options.rounds)
                kept.write(model, folder, options.rounds, found)
            cells += found
    chosen = [word for one in options.only or () for word in ("--only", one)]
    command = shlex.join(["python", "-m", "benchmarks.wild", *chosen])
    how = {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": cpu.model() or "unknown processor",
        "versions": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _MEASURES),
    }
    page = table.markdown(models, cells, how)
    print(page)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "README.md").write_text(page, "utf-8")
        (options.output / "wild.json").write_text(table.as_json(cells, how), "utf-8")
    return int(any(cell.wrong for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
