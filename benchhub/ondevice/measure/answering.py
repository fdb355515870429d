"""The last part of a launch: the leading cases once more, in order, for their outputs."""

from typing import Any, Dict, Iterator

from benchhub.ondevice.failed import Failed
from benchhub.ondevice.job import Job, form_of
from benchhub.ondevice.measure import outputs
from benchhub.ondevice.measure.batches import Batches


def answers(job: Job, session: Any, batches: Batches) -> Iterator[Dict[str, Any]]:
    """Yield the `outputs` events of the job's leading cases, state carried from call to call.

    Failed, kind `shape`, for outputs that are not what the model or the job says.
    """
    forms = {name: form_of(job, name) for name in job.forms}
    fed: Dict[str, Any] = {}
    try:
        which = outputs.wanted(session.outputs, job.outputs, forms)
        brought = outputs.Brought(job.most_output_bytes)
        for index, count in enumerate(batches.sizes(job.output_cases)):
            arrays = session.run({**batches.feeds(index), **fed})
            if batches.state:
                from benchhub.ondevice.measure.stream import places  # most models have none

                fed = {name: arrays[at] for name, at in places(session.outputs, batches.state)}
            found = outputs.chosen(session.outputs, arrays, which)
            outputs.check(which, found, job.batch)
            brought.add(which, found, count)
            yield from outputs.events(which, found, count)
    except outputs.ShapeError as error:
        raise Failed("shape", str(error)) from error
