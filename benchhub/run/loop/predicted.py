"""A quality launch with what the task makes of its outputs in place of all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from benchhub.model.arrays import Array
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Failure
from benchhub.tasks.predictions import predicted


def with_predictions(
    launch: Launch, predict: Callable[[Array], Array], shape: tuple[int, ...], check_cases: int
) -> Launch:
    """Return `launch` with predictions of all its cases, and raw outputs of the check cases only.

    `shape` is that of one case of the baseline's first output; outputs of another shape have no
    predictions. The launch failed where the task cannot predict from them.
    """
    # Copies, so that the rest need not be held.
    kept = tuple(output[:check_cases].copy() for output in launch.outputs)
    first = launch.outputs[0]
    launch = dataclasses.replace(launch, outputs=kept)
    if launch.status != "finished" or first.shape[1:] != shape or not len(first):
        return launch
    try:
        predictions, took_ns = predicted(predict, first)
    except ValueError as error:
        reason = " ".join(str(error).split()) or "it gave no reason"
        failure = Failure("outputs", "raised", f"the task cannot predict from them: {reason}")
        return dataclasses.replace(launch, status="failed", failure=failure)
    return dataclasses.replace(launch, predictions=predictions, postprocess_ns=took_ns)
