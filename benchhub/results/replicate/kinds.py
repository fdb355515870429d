"""Whether two devices are of one kind, so that times on one say something of times on the other."""

from __future__ import annotations

from collections.abc import Mapping

from benchhub.config.published.told import PublishedDevice, PublishedFacts


def unlike(theirs: PublishedDevice, ours: PublishedDevice) -> str:
    """Return in what two devices differ that times depend on; empty: they are of one kind.

    What either does not tell of its processor is a difference: nobody knows that there is none.
    """
    if theirs.emulated or ours.emulated:
        return "emulated: its times are of instructions"
    one, other = _kind(theirs.facts), _kind(ours.facts)
    if not (one["processor"] and other["processor"]):
        return "a processor that is not told"
    for name, value in one.items():
        if value != other[name]:
            told = [
                ", ".join(side) if isinstance(side, tuple) else side
                for side in (value, other[name])
            ]
            if name == "instructions":
                return "other instructions of the processor"
            return f"{name}: {told[0] or 'not told'} there, {told[1] or 'not told'} here"
    return ""


def _kind(facts: PublishedFacts) -> Mapping[str, str | tuple[str, ...]]:
    gpus = [one.name or "unnamed" for one in facts.gpus or ()]
    return {
        "architecture": facts.arch or facts.machine or "",
        "processor": facts.cpu_model or "",
        "board": facts.board or "",
        "cores": "" if facts.cores_logical is None else str(facts.cores_logical),
        "instructions": tuple(sorted(set(facts.isa_flags or ()))),
        "GPUs": tuple(sorted(gpus)),
    }
