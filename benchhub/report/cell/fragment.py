"""A cell's details as a piece of HTML, the same whether a page holds it or asks for it later."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from benchhub.model.flag import Flag
from benchhub.model.row import CellDetails, Row
from benchhub.report.cell import facts
from benchhub.report.cell.ecdf import ecdf
from benchhub.report.cell.in_order import in_order
from benchhub.report.cell.launches import launches_text, states
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.templating import environment
from benchhub.text import moment

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_TEMPLATE = "cell.html.j2"


def fragment(row: Row, detail: CellDetails | None) -> Markup:
    """Return the inside of a cell's `<details>`; without `detail` what its row alone tells.

    It holds no script, no style and no ids, so that any number of them stand in one page.
    """
    from markupsafe import Markup

    told = detail or CellDetails()
    shown, folded = launches_text(told)
    parts = {
        "row": row,
        "unfinished": facts.unfinished(row),
        "doubts": [_words(flag) for flag in flags_that_matter(row)],
        "states": states(row, told),
        "gone": moment(told.gone),
        "listed": bool(told.launches),
        "launches": shown,
        "folded": folded,
        "strip": Markup(in_order(told)),
        "measured": facts.measured(row),
        "ecdf": Markup(ecdf(row, told.distribution)) if told.distribution else "",
        "calls": facts.calls(row, told.distribution) if told.distribution else [],
        "quality": facts.quality(row),
        "outputs": facts.outputs(row),
        "conditions": facts.conditions(row),
        "provenance": facts.provenance(row),
        "links": facts.links(row),
    }
    return Markup(_template().render(parts))


def _words(flag: Flag) -> str:
    cap = ", which keeps its verdicts from PASS" if flag.caps else ""
    return f"{flag.name}: {flag.evidence}{cap}"


@cache
def _template() -> Template:
    return environment().get_template(_TEMPLATE)
