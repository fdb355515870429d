"""Files of pytest-benchmark as a run, with nothing in it that they do not tell.

The rounds of a benchmark were timed in one process, so that a file is one launch of each of its
benchmarks, and its cells carry the flag `single_launch`. Several files of the same benchmarks on
one machine are as many launches. A file that benchhub exported gives back its own launches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.report.interchange.benchmark_file import read_file
from benchhub.report.interchange.foreign_benchmarks import run_of_files
from benchhub.report.interchange.imported_run import ImportedRun
from benchhub.report.interchange.own_benchmarks import run_of_export


def import_files(
    paths: Sequence[Path], device: str | None = None, suite: str | None = None
) -> ImportedRun:
    """Return the run that the files hold; ConfigError if they hold none.

    `device` names the machine (default: what the files call it), `suite` the run's suite, by which
    its history is found. Benchmarks without the times of their rounds become skips. The same
    arguments give the same run id.
    """
    files = sorted((read_file(path) for path in paths), key=lambda file: (file.at, file.name))
    own = [file for file in files if file.benchhub is not None]
    if own and len(files) > 1:
        raise ConfigError(f"{own[0].name}: is a whole run of benchhub; import it by itself")
    if len({file.sha256 for file in files}) < len(files):
        raise ConfigError("the same file is given twice; each file is one launch of its own")
    digest = hashlib.sha256("".join(file.sha256 for file in files).encode())
    digest.update(f"{device} {suite}".encode())
    run_id = f"{files[0].at:%Y%m%d-%H%M%S}-{digest.hexdigest()[:4]}"
    if own:
        return run_of_export(own[0], run_id, device, suite)
    return run_of_files(files, run_id, device, suite)
