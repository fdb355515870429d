"""Files of other programs as a run, with nothing in it that they do not tell.

Whose they are is told by what is in them. What was timed in one process is one launch, and its
cells carry the flag `single_launch`; several files of the same on one machine are as many launches.
pytest-benchmark's of one process may hold several benchmarks; a file that benchhub exported gives
back its own launches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.report.interchange.benchmark_file import BenchmarkFile, read, read_file
from benchhub.report.interchange.foreign_benchmarks import run_of_files
from benchhub.report.interchange.foreign_sessions import SessionFile, run_of_sessions
from benchhub.report.interchange.imported_run import ImportedRun
from benchhub.report.interchange.own_benchmarks import run_of_export
from benchhub.report.interchange.sessions.recognized import recognized
from benchhub.text import visible


def import_files(
    paths: Sequence[Path],
    device: str | None = None,
    suite: str | None = None,
    variant: str | None = None,
) -> ImportedRun:
    """Return the run that the files hold; ConfigError if they hold none.

    `device` names the machine (default: what the files call it), `suite` the run's suite, by which
    its history is found, `variant` the model of sessions. Benchmarks without the times of their
    rounds become skips. The same arguments give the same run id.
    """
    device, suite, variant = (one and visible(one) for one in (device, suite, variant))
    found = [_file(path) for path in paths]
    benchmarks = [file for file in found if isinstance(file, BenchmarkFile)]
    sessions = [file for file in found if isinstance(file, SessionFile)]
    if benchmarks and sessions:
        raise ConfigError(
            f"{sessions[0].name}: is of {sessions[0].sessions[0].program}, {benchmarks[0].name} of"
            " pytest-benchmark; import them one by one"
        )
    if len({file.sha256 for file in found}) < len(found):
        raise ConfigError("the same file is given twice; each file is one launch of its own")
    digest = hashlib.sha256()
    if sessions:
        sessions.sort(key=lambda file: (file.at, file.name))
        digest.update("".join(file.sha256 for file in sessions).encode())
        digest.update(f"{device} {suite} {variant}".encode())
        run_id = f"{sessions[0].at:%Y%m%d-%H%M%S}-{digest.hexdigest()[:4]}"
        return run_of_sessions(sessions, run_id, device, suite, variant)
    if variant:
        raise ConfigError("--variant is of sessions; benchmarks name their own in extra_info")
    files = sorted(benchmarks, key=lambda file: (file.at, file.name))
    own = [file for file in files if file.benchhub is not None]
    if own and len(files) > 1:
        raise ConfigError(f"{own[0].name}: is a whole run of benchhub; import it by itself")
    digest.update("".join(file.sha256 for file in files).encode())
    digest.update(f"{device} {suite}".encode())
    run_id = f"{files[0].at:%Y%m%d-%H%M%S}-{digest.hexdigest()[:4]}"
    if own:
        return run_of_export(own[0], run_id, device, suite)
    return run_of_files(files, run_id, device, suite)


def _file(path: Path) -> BenchmarkFile | SessionFile:
    raw, written_at = read(path)
    sessions = recognized(str(path), raw)
    if sessions is None:
        return read_file(path, raw)
    return SessionFile(
        visible(path.name), hashlib.sha256(raw).hexdigest(), written_at, tuple(sessions)
    )
