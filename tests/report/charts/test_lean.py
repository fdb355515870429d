"""Drawn charts lose what no reader sees, and nothing else."""

from __future__ import annotations

from benchhub.report.charts.lean import lean

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g role="x" transform='
    '"translate(1.26,2)"><g class="m" aria-hidden="true"><path class="background" d="M0,0h1Z"/>'
    '<text font-family="sans-serif" fill="#111111" transform="translate(3.14159,1)">1.2345 '
    '&lt;b /&gt;</text><text fill="#111111" opacity="1">two</text></g></g>'
    '<path d="" stroke="#000000"/><g class="empty"/></svg>'
)


def test_groups_paths_and_attributes_without_effect_go() -> None:
    assert lean(SVG, ".a{}") == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" class="marks" '
        'font-family="sans-serif"><style>.a{}</style><g transform="translate(1.3,2)">'
        '<g fill="#111111"><text transform="translate(3.1,1)">1.2345 &lt;b /&gt;</text>'
        "<text>two</text></g></g></svg>"
    )


def test_again_is_as_once() -> None:
    once = lean(SVG, "")
    assert lean(once.replace("<style/>", "").replace("<style></style>", ""), "") == once
