"""What a run was asked to do, as the store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.request import ABRequest, BenchRequest, RunKind, RunRequest
from benchhub.store.stored.record import Record, parsed, written


class _Request(Record):
    suite: str
    devices: tuple[str, ...]
    backends: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    effort: str | None = None
    data: str | None = None
    scenarios: tuple[str, ...] = ()


class _Compared(_Request):
    model_a: str
    model_b: str
    names: tuple[str, ...] = ()
    inputs: str | None = None
    batch: int | None = None
    threads: int = 1
    precision: str = "f32"
    options: Mapping[str, Any] = {}
    iterations: int | None = None
    delta: float = 0.02
    statistic: str = "p50"


class _Chosen(_Request):
    asked: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    at_most: int | None = None
    passed_over: Mapping[str, str] = {}


class RequestV2(_Chosen):
    """Of a suite, a self-test or an import."""

    v: int = 2
    kind: RunKind
    limits: Mapping[str, int | float] = {}
    given: Mapping[str, str] = {}


class ABRequestV2(_Compared):
    """Of a comparison of two models."""

    v: int = 2
    kind: RunKind
    shapes: tuple[str, ...] = ()
    limits: Mapping[str, int | float] = {}


class BenchRequestV1(_Chosen):
    """Of model files without a suite, since schema 0008."""

    v: int = 1
    kind: RunKind
    models: tuple[str, ...]
    shapes: tuple[str, ...] = ()
    inputs: str | None = None
    threads: tuple[int, ...] = (1,)
    batches: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ("f32",)
    options: tuple[str, ...] = ()
    limits: Mapping[str, int | float] = {}


class RequestV1(_Request):
    """Until schema 0006: a self-test was told by the name of its suite."""

    imported: bool = False

    def newer(self) -> RequestV2:
        """Return it with the kind that was meant."""
        kind = RunKind.SELFTEST if self.suite == "selftest" else RunKind.SUITE
        kind = RunKind.IMPORT if self.imported else kind
        return RequestV2(**self.model_dump(exclude={"v", "imported"}), kind=kind)


class ABRequestV1(_Compared):
    """Until schema 0006: a comparison was told by keys that others have not."""

    def newer(self) -> ABRequestV2:
        """Return it with its kind."""
        return ABRequestV2(**self.model_dump(exclude={"v"}), kind=RunKind.AB)


def write_request(request: RunRequest) -> dict[str, Any]:
    """Return a request as JSON types."""
    version: type[ABRequestV2 | BenchRequestV1 | RequestV2] = RequestV2
    if isinstance(request, ABRequest):
        version = ABRequestV2
    elif isinstance(request, BenchRequest):
        version = BenchRequestV1
    return written(version(**request.told(), kind=request.kind))


def read_request(raw: Mapping[str, Any]) -> RunRequest:
    """Invert `write_request`, or raise Misfit."""
    if "model_a" in raw:
        two = parsed("request", raw, ABRequestV2, ABRequestV1)
        return ABRequest(**two.model_dump(exclude={"v"}))
    if "models" in raw:
        bench = parsed("request", raw, BenchRequestV1)
        return BenchRequest(**bench.model_dump(exclude={"v"}))
    one = parsed("request", raw, RequestV2, RequestV1)
    return RunRequest(**one.model_dump(exclude={"v"}))
