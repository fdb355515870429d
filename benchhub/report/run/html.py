"""One HTML file that needs nothing else: no network, no fonts, and no JavaScript to be read.

Up to `MOST_WHOLE` cells it is complete without JavaScript. Above, rows and what cells open are in
it compressed, and the page's script draws them when they are asked for; the answer, devices, heat
map, failures and what is undecided are always there.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.row import Results
from benchhub.report.answer.order import in_order
from benchhub.report.page.facets import facets
from benchhub.report.page.parts import Parts
from benchhub.report.page.view import view
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.templating import PAGE_SCRIPTS, environment, source
from benchhub.text import moment

SUFFIX = ".html"

#: More cells are not drawn at once.
MOST_WHOLE = 300


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """The report as one file; JavaScript opens cells by address, filters, and sorts tables.

    `interactive` adds the Vega runtime (about 0.9 MB) and turns the SVG charts into live ones.
    """
    from markupsafe import Markup

    shown = [in_order(result) for result in results]
    known = facets(shown)
    whole = sum(row.runs_model for result in shown for row in result.rows) <= MOST_WHOLE
    parts = Parts(shown, known, whole)
    templates = environment()
    templates.globals.update(
        style=Markup(source("style.css") + source("cell.css")),
        script=Markup("\n".join(map(source, PAGE_SCRIPTS))),
        live=Markup(source("live.js")) if interactive else "",
        vega=Markup(_vega()) if interactive else "",
        moment=moment,
        emulation_words=emulation_words,
        **parts.functions(),
    )
    page = templates.get_template("report.html.j2")
    return page.render(**view(shown, known, interactive), whole=whole)


def _vega() -> str:
    """The Vega, Vega-Lite and vega-embed runtimes as one script that sets `vegaEmbed`."""
    import vl_convert

    bundle = str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # as its stub has it
    return bundle.replace("</script", "<\\/script")
