"""A quality launch with what the task, or a metric of the user's own, makes of its outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from benchhub.model.arrays import Array
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Failure
from benchhub.tasks.predictions import Predictor, predicted


def with_predictions(
    launch: Launch, predictor: Predictor, reference: Sequence[Array], check_cases: int
) -> Launch:
    """Return `launch` with predictions of all its cases, and raw outputs of the check cases only.

    Outputs of another shape a case than the `reference`'s have no predictions. The launch failed
    where the task cannot predict from them.
    """
    # Copies, so that the rest need not be held.
    kept = tuple(output[:check_cases].copy() for output in launch.outputs)
    outputs = launch.outputs
    launch = dataclasses.replace(launch, outputs=kept)
    read = len(reference) if predictor.of_all else 1
    if launch.status != "finished" or not _alike(outputs, reference, read):
        return launch
    try:
        predictions, took_ns = predicted(predictor, outputs[:read])
    except ValueError as error:
        return _failed(launch, "the task cannot predict from them", error)
    return dataclasses.replace(launch, predictions=predictions, postprocess_ns=took_ns)


def with_own_scores(
    launch: Launch, scoring: Callable[[Sequence[Array]], Array], reference: Sequence[Array]
) -> Launch:
    """Return `launch` with what metrics of the user's own make of each of its cases.

    Outputs of another shape a case than the `reference`'s have no scores. The launch failed where a
    metric cannot use them.
    """
    if launch.status != "finished" or not _alike(launch.outputs, reference, len(reference)):
        return launch
    try:
        return dataclasses.replace(launch, own_scores=scoring(launch.outputs))
    except ValueError as error:
        return _failed(launch, "a metric cannot use them", error)


def _alike(outputs: Sequence[Array], reference: Sequence[Array], read: int) -> bool:
    pairs = list(zip(outputs[:read], reference[:read], strict=False))
    return len(pairs) == read and all(
        one.shape[1:] == other.shape[1:] and (len(one) > 0 or other.shape == (0,))
        for one, other in pairs
    )


def _failed(launch: Launch, what: str, error: ValueError) -> Launch:
    reason = " ".join(str(error).split()) or "it gave no reason"
    failure = Failure("outputs", "raised", f"{what}: {reason}")
    return dataclasses.replace(launch, status="failed", failure=failure)
