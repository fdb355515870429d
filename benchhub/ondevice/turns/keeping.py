"""Answers to who wants a device kept for somebody, or no longer; it may be measuring meanwhile."""

from typing import Any, Dict, Mapping

from benchhub.ondevice.agent.private import prepare
from benchhub.ondevice.turns import reserved
from benchhub.ondevice.turns.claims import number
from benchhub.ondevice.turns.hall import entered, folder_of

#: What may be asked instead of a hello.
REQUESTS = ("reserve", "cancel")


def answer(root: str, request: Mapping[str, Any]) -> Dict[str, Any]:
    """Do what `request` asks for and say how that went: an `outcome` of wire.KEEPING.

    Busy, NotPrivate or OSError where that cannot be.
    """
    prepare(root)
    with entered(folder_of(root)) as hall:
        clock = reserved.Clock(number(request.get("now")))
        wanted = request.get("reservation")
        wanted = wanted if isinstance(wanted, dict) else {}
        if request.get("do") == "cancel":
            gone = reserved.cancel(hall, str(wanted.get("id")))
            return {"outcome": "cancelled" if gone else "unknown", "message": ""}
        try:
            reserved.make(hall, clock, wanted, request.get("reservations"))
        except reserved.Overlap as overlap:
            return {"outcome": "overlap", "message": str(overlap)}
        except ValueError as error:
            return {"outcome": "refused", "message": str(error)}
        return {"outcome": "kept", "message": ""}
