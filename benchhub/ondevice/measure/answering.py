"""The last part of a launch: the leading cases once more, in order, for their outputs."""

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from benchhub.ondevice.failed import Failed
from benchhub.ondevice.job import Job, form_of
from benchhub.ondevice.measure import outputs
from benchhub.ondevice.measure.batches import Batches


def answers(
    job: Job, session: Any, batches: Batches, told: Dict[str, Any]
) -> Iterator[Dict[str, Any]]:
    """Yield the `outputs` events of the job's leading cases, state carried from call to call.

    Of quality, `told` gets `repeated`, how far second answers lie off: see `repeated.Reasked`.
    Failed, kind `shape`, for outputs that are not what the model or the job says.
    """
    forms = {name: form_of(job, name) for name in job.forms}
    sizes = batches.sizes(job.output_cases)
    again = None
    if job.scenario == "quality":
        from benchhub.ondevice.measure.repeated import Reasked  # other launches do without

        again = Reasked(sizes)
    try:
        which = outputs.wanted(session.outputs, job.outputs, forms)
        brought = outputs.Brought(job.most_output_bytes)
        for count, found in called(session, batches, which, sizes):
            brought.add(which, found, count)
            if again is not None:
                again.keep(found, count)
            yield from outputs.events(which, found, count)
        if again is not None:
            told["repeated"] = again.told(
                called(session, batches, which, again.sizes),
                lambda order: called(session, batches, which, sizes[:1], order),
                1 if batches.state else batches.batch,
            )
    except outputs.ShapeError as error:
        raise Failed("shape", str(error)) from error


def called(
    session: Any,
    batches: Batches,
    which: outputs.Wanted,
    sizes: Sequence[int],
    order: Optional[Sequence[int]] = None,
) -> Iterator[Tuple[int, List[Any]]]:
    """Yield, batch by batch from the first, how many cases it adds and its outputs, checked.

    `order`: in which the cases of each batch are given.
    """
    fed: Dict[str, Any] = {}
    for index, count in enumerate(sizes):
        arrays = session.run({**batches.feeds(index, order), **fed})
        if batches.state:
            from benchhub.ondevice.measure.stream import places  # most models have none

            fed = {name: arrays[at] for name, at in places(session.outputs, batches.state)}
        found = outputs.chosen(session.outputs, arrays, which)
        outputs.check(which, found, batches.batch)
        yield count, found
