"""Which program wrote a text, by what is in it."""

from __future__ import annotations

import json

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import check_depth
from benchhub.outside.masked import all_masked
from benchhub.report.interchange.sessions import benchmark_app, loadgen, perf_test, trtexec
from benchhub.report.interchange.sessions.session import Session
from benchhub.text import all_visible, visible

#: What can be imported, and how it is written; shown where a file is none of them.
KNOWN = (
    "`pytest --benchmark-json=FILE`, `trtexec --exportTimes=FILE`, `benchmark_app -json_stats"
    " -report_type no_counters`, onnxruntime_perf_test's output or result file, LoadGen's"
    " mlperf_log_detail.txt"
)


def recognized(name: str, raw: bytes) -> list[Session] | None:
    """Return the sessions in the content of a file; None: it is pytest-benchmark's, if anybody's.

    ConfigError where it is no text, or of nobody that is known.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is no text; runs can be imported from {KNOWN}") from error
    if text.lstrip()[:1] in ("{", "["):
        try:
            document = json.loads(text)
            check_depth(document)
            document = all_masked(all_visible(document))
        except (ValueError, RecursionError) as error:
            raise ConfigError(
                f"{name}: is cut or damaged JSON ({error}); write it again"
            ) from error
        if trtexec.recognizes(document):
            return trtexec.sessions(name, document)
        if benchmark_app.recognizes(document):
            return benchmark_app.sessions(name, document)
        if isinstance(document, dict) and "benchmarks" in document:
            return None
    else:
        text = "\n".join(map(visible, text.splitlines()))
        if loadgen.recognizes(text):
            return loadgen.sessions(name, text)
        if perf_test.recognizes(text):
            return perf_test.sessions(name, text)
    raise ConfigError(f"{name}: is of no program that is known; runs can be imported from {KNOWN}")
