"""How much a device may send, at most: whatever comes, the controller's memory stays bounded."""

from __future__ import annotations

from benchhub.ondevice.wire import PIECE_BYTES, Job

#: Of a line that carries no array: facts and details are the longest.
LINE_BYTES = 256 << 10
#: Of a line with a piece of an array, in base64.
PIECE_LINE_BYTES = PIECE_BYTES * 4 // 3 + (32 << 10)
#: What a login shell may say before the agent speaks.
NOISE_BYTES, NOISE_LINES = 256 << 10, 1000
#: What a command that is no agent may write; and an agent to its stderr, where it has no business.
SAID_BYTES, STDERR_BYTES = 4 << 20, 16 << 20
#: Characters of one text: a name, a message.
TEXT_CHARS = 4096
#: Facts and details: how deep they are nested, and how many values they hold in all.
TOLD_DEPTH, TOLD_VALUES = 12, 20_000
#: Outputs of a launch where neither the model nor the baseline tells their size.
UNTOLD_OUTPUT_BYTES = 256 << 20
#: The same where there are many cases: of each, and of all.
UNTOLD_CASE_BYTES, MOST_UNTOLD_BYTES = 1 << 20, 4 << 30
#: In how many blocks outputs may come where nobody knows how many cases there are.
UNTOLD_BLOCKS = 1 << 16
#: How many outputs a model may have.
MOST_OUTPUTS = 1024
#: A case of an output with its axes of no size taken as 1: numpy makes no array of more.
MOST_SHAPE_BYTES = 1 << 40
#: The widest number that outputs are made of.
NUMBER_BYTES = 8
#: Of a launch, events beside those that carry arrays: stages and what comes once in each.
_PLAIN_EVENTS = 32
#: Of an event, beside its array: the name of an output takes most, six bytes a character at worst.
_EVENT_BYTES = 8 << 10
_SERIES = 6  # the samples, what warmed up, and a few tracks


def digests_bytes(count: int) -> int:
    """Return how long an answer about `count` blobs may be."""
    return 4096 + 160 * count


def line_bytes(job: Job) -> int:
    """Return how long a line of the launch of `job` may be."""
    plenty = 8 * calls(job) > LINE_BYTES // 2
    return PIECE_LINE_BYTES if plenty or job.output_cases else LINE_BYTES


def calls(job: Job) -> int:
    """Return how many samples the launch of `job` brings at most."""
    threads = max(1, job.concurrency)
    timed = job.iterations * (1 if job.rate_per_s is not None else threads)
    return max(0, timed, job.warmup * threads)


def events(job: Job, output_bytes: int, blocks: int) -> int:
    """Return how many events the launch of `job` may bring, with `blocks` of outputs."""
    series = _SERIES * (8 * calls(job) // PIECE_BYTES + 1)
    return _PLAIN_EVENTS + series + blocks + 4 * (output_bytes // PIECE_BYTES + 1)


def launch_bytes(job: Job, output_bytes: int, count: int) -> int:
    """Return how many bytes the launch of `job` may bring in `count` events."""
    arrays = _SERIES * 8 * calls(job) + output_bytes
    return arrays * 4 // 3 + count * _EVENT_BYTES + 4 * LINE_BYTES
