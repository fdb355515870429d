"""Where multiply-accumulates are not told, a report names the operators."""

import dataclasses
import json

from synthetic import results

from benchhub.report.run import render
from benchhub.report.tables.cells import variants


def test_operators_that_are_not_told_stand_beside_the_empty_count():
    whole = results()
    first, *others = whole.variants
    unknown = dataclasses.replace(first, macs=None, uncounted=("Loop", "own.Layer"))
    told = dataclasses.replace(whole, variants=(unknown, *others))
    table = variants([told])
    heads = [column.head for column in table.columns]
    assert "MACs not told of" not in [column.head for column in variants([whole]).columns]
    line = dict(zip(heads, table.rows[0], strict=True))
    assert line["MACs M"].sort is None
    assert line["MACs not told of"].text == "Loop, own.Layer"
    assert all(row[-2].text == "" for row in table.rows[1:])
    assert line["sha256"].text == first.sha256
    assert "own.Layer" in render("markdown", [told])
    assert json.loads(render("json", [told]))["variants"][0]["uncounted"] == ["Loop", "own.Layer"]
