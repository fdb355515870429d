"""What templates ask while a page is drawn: addresses of cells, and what is put off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from benchhub.model.row import Results, Row
from benchhub.report.answer.bar import bar
from benchhub.report.answer.figures import HeldFigure
from benchhub.report.answer.heat_cell import HeatCell
from benchhub.report.cell.fragment import fragment
from benchhub.report.page.device_cells import DeviceCells
from benchhub.report.page.facets import NO_VERDICT, Facets
from benchhub.report.page.opened import ClosedCell
from benchhub.report.page.packed import LEAST_CHARS, Packing

_LATER = Markup(
    "<p>Packed into this file, and drawn by its script when it is opened. Without a script,"
    " <code>benchhub report --format csv</code> or <code>json</code> has it.</p>"
)
_CELL = Markup(
    '<details class="opens" id="cell={}"{}><summary>{}{} <b>{}</b>{}</summary>{}</details>'
)


class Parts:
    """The functions of one page's templates; `whole`: everything is drawn at once."""

    def __init__(self, results: Sequence[Results], facets: Facets, whole: bool) -> None:
        """Begin a page of these results."""
        self._several = len(results) > 1
        self._details = {one.run.id: one.details for one in results}
        self._facets = facets
        self._whole = whole
        self._packing = Packing()

    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return what templates may call, by name."""
        return {
            "bar": self.bar,
            "line_of": self.line_of,
            "address": self.address,
            "heat_attributes": self.heat_attributes,
            "folded": self.folded,
            "with_code": with_code,
            "device_folded": self.device_folded,
            "packed_blocks": lambda: self._packing.blocks,
        }

    def bar(self, of: HeldFigure) -> Markup:
        """Return the drawing of a figure against its limit."""
        return Markup(bar(of))  # numbers and nothing else

    def address(self, row: Row) -> str:
        """Return what a cell is called in addresses, behind `#cell=`."""
        return f"{row.run}/{row.cell}" if self._several else row.cell

    def line_of(self, row: Row | None) -> Markup:
        """Return the attribute that filters read from the line of a row."""
        if row is None or not row.runs_model:
            return Markup("")
        return Markup(' data-f="{}"').format(self._facets.of(row))

    def heat_attributes(self, cell: HeatCell, device: str, backend: str, variant: str) -> Markup:
        """Return the attributes of a field of the heat map: its shade and what filters read."""
        shade = cell.shade
        shaded = "" if shade is None else "z" if shade == 0 else f"{'fs'[shade < 0]}{abs(shade)}"
        named = " ".join(filter(None, (shaded, cell.mark)))
        row = cell.row
        scenario, threads = (row.scenario, str(row.threads)) if row else ("", "")
        verdict = (cell.verdict or NO_VERDICT) if row else ""
        places = self._facets.places(device, backend, variant, scenario, verdict, threads)
        found = Markup(' data-f="{}"').format(places)
        return found + Markup(' class="{}"').format(named) if named else found

    def folded(self, summary: str, html: str, name: str = "", keep: bool = False) -> Markup:
        """Return a part behind its summary; of a large page one that waits, unless to `keep`."""
        ident = Markup(' id="{}"').format(name) if name else Markup("")
        if self._whole or keep or len(html) < LEAST_CHARS:
            return Markup('<details{} class="on-paper"><summary>{}</summary>{}</details>').format(
                ident, summary, Markup(html)
            )
        return self._waiting(ident, summary, html)

    def device_folded(self, of: DeviceCells, tables: str) -> Markup:
        """Return the tables and cells of a device behind its name."""
        ident = Markup(' id="{}" data-device="{}"').format(of.name, of.place)
        lines = Markup("\n").join(map(self._cell, of.cells))
        html = Markup(tables) + Markup('<div class="cells"><h3>Open a cell</h3>{}</div>').format(
            lines
        )
        if self._whole:
            return Markup('<details{} class="on-paper"><summary>{}</summary>{}</details>').format(
                ident, of.heading, html
            )
        opened = {self.address(one.row): str(self._inside(one.row)) for one in of.cells}
        cells = Markup(' data-cells="{}"').format(self._packing.keep_all(opened))
        return self._waiting(ident + cells, of.heading, html)

    def _cell(self, of: ClosedCell) -> Markup:
        sign = Markup('<span class="sign {}">{}</span> ').format(of.verdict.lower(), of.sign)
        doubts = Markup(' <span class="doubt">{}</span>').format(of.doubts)
        return _CELL.format(
            self.address(of.row),
            self.line_of(of.row),
            sign if of.sign else "",
            f"{of.what}:" if of.figure else of.what,
            of.figure,
            doubts if of.doubts else "",
            self._inside(of.row) if self._whole else "",
        )

    def _inside(self, row: Row) -> Markup:
        """Return what a cell opens; its links lead to cells of its own run."""
        from jinja2.filters import do_urlencode

        made = fragment(row, self._details.get(row.run, {}).get(row.cell))
        if not self._several:
            return made
        return Markup(str(made).replace('href="#cell=', f'href="#cell={do_urlencode(row.run)}/'))

    def _waiting(self, attributes: Markup, summary: str, html: str) -> Markup:
        block = self._packing.keep(html)
        return Markup(
            '<details{} class="later" data-block="{}"><summary>{}</summary>{}</details>'
        ).format(attributes, block, summary, _LATER)


def with_code(text: str) -> Markup:
    """Return a text in which what stands in backticks is set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is without its other
        return escape(text)
    found = [Markup("<code>{}</code>" if at % 2 else "{}").format(p) for at, p in enumerate(parts)]
    return Markup("").join(found)
