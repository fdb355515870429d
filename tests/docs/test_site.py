"""The documentation as a site: whole, readable by anybody, and on its own without a network."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from browser import FLAGS, chromium
from markdown_it import MarkdownIt
from markdown_pages import DOCS, named
from markdown_pages import pages as pages_of_markdown
from repository import ROOT

#: One worker runs all of it, and builds the site once.
pytestmark = [pytest.mark.usefixtures("processes"), pytest.mark.xdist_group("site")]
#: A page of each kind.
KINDS = (
    "index.html", "tutorial/own-model.html", "how-to/query.html", "reference/columns.html",
    "explanation/reading-a-report.html", "measurement.html", "reports/quickstart/index.html",
    "tutorial/from-python.html",
)  # fmt: skip
#: What has a page fetch something.
_FETCHES = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """A built page: what it links to and fetches, its headings, and what can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.heads: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.ids |= {told["id"]} if "id" in told else set()
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        if tag in _FETCHES and told.get(_FETCHES[tag]):
            self.fetched.append(told[_FETCHES[tag]])
        if tag in ("h1", "h2", "h3", "h4"):
            self.heads.append(tag)


@pytest.fixture(scope="module")
def site(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built so that a warning ends it."""
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed: pip install 'benchhub[docs]'")
    folder = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Its pages; reports that it carries as they are do not count."""
    made = [path for path in site.rglob("*.html") if path.name != "report.html"]
    return {path: Page(path) for path in made if "md-main" in path.read_text("utf-8")}


def test_it_is_built_with_the_same_versions_by_make_and_by_tests() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = told["project"]["optional-dependencies"]["docs"]
    tox = (ROOT / "tox.ini").read_text("utf-8").partition("[testenv:docs]")[2].partition("[")[0]
    assert re.findall(r"^ +(\S+==\S+)$", tox, re.MULTILINE) == pins


def test_the_one_script_that_is_not_the_themes_is_what_its_licence_says() -> None:
    assets = ROOT / "scripts" / "docs_site" / "theme" / "assets"
    digest = hashlib.sha256((assets / "iframe-worker.js").read_bytes()).hexdigest()
    told = (assets / "iframe-worker.LICENSE").read_text("utf-8")
    assert f"iframe-worker 1.0.4, unchanged:\nsha256 {digest}\n" in told
    assert [path.name for path in assets.glob("*.js")] == ["iframe-worker.js"]


def test_every_page_is_in_the_navigation_of_the_first(site: Path, pages: dict[Path, Page]) -> None:
    linked = {(site / urlsplit(link).path).resolve() for link in pages[site / "index.html"].links}
    lost = [path for path in pages if path not in linked and path.name != "404.html"]
    assert [path.relative_to(site).as_posix() for path in lost] == []
    there = {path.relative_to(site).with_suffix("").as_posix() for path in pages}
    written = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    assert written - {"README"} <= there


def test_links_of_built_pages_lead_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    wrong = []
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            told = urlsplit(link)
            if told.scheme or path.name == "404.html":
                continue
            file = (path.parent / unquote(told.path)).resolve() if told.path else path
            if not file.is_file():
                wrong.append(f"{path.relative_to(site)}: {link}: no such file")
            elif told.fragment and file in pages and told.fragment not in pages[file].ids:
                wrong.append(f"{path.relative_to(site)}: {link}: no such place")
    assert wrong == []


def test_pages_have_one_title_and_no_heading_is_left_out(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        depths = [int(head[1]) for head in page.heads]
        assert depths.count(1) == 1, path
        deeper = [after - before for before, after in itertools.pairwise(depths)]
        assert max(deeper, default=0) <= 1 or path.name == "changelog.html", path


@pytest.mark.parametrize("written", pages_of_markdown(), ids=named)
def test_it_has_the_lists_tables_and_blocks_that_a_repositorys_page_has(
    site: Path, written: Path
) -> None:
    """Readers of Markdown differ in what they take for a list or a block of code."""
    name = {"README.md": "index.md", "docs/README.md": "all-pages.md"}.get(named(written))
    first = "about.md" if (written.parent / "index.html").exists() else "index.md"
    name = name or named(written).removeprefix("docs/").replace("README.md", first)
    if written.parent == ROOT and written.name != "README.md":
        name = f"project/{name.lower()}"
    built = (site / name).with_suffix(".html").read_text("utf-8")
    built = re.sub(r"<nav.*?</nav>", "", built, flags=re.DOTALL)
    article = built.partition("<article")[2].partition("</article>")[0]
    plain = MarkdownIt().enable("table").render(written.read_text("utf-8"))
    assert parts(article) == parts(plain)


def parts(html: str) -> Counter[str]:
    """How many lists, tables, blocks of code and headings there are."""
    return Counter(re.findall(r"<(ul|ol|li|table|tr|pre|blockquote|h[1-6])[ >]", html))


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert [one for one in page.fetched if urlsplit(one).scheme not in ("", "data")] == [], path
        assert "fonts.g" not in path.read_text("utf-8")


def test_what_is_no_page_is_named_by_its_path(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    assert "The steps are the modules of benchhub/run, in this order" in text
    assert 'href="repository:' not in "".join(
        path.read_text("utf-8") for path in site.rglob("*.html") if path.name != "report.html"
    )


# --- in a browser


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Any]:
    """Chromium; the pages are files, as if somebody had unpacked the site."""
    from playwright.sync_api import sync_playwright

    flags = [one for one in FLAGS if one != "--headless"]
    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=chromium(), args=flags)
        yield found
        found.close()


def opened(browser: Any, width: int, scheme: str = "light") -> Any:
    """A window so wide, without what only searching needs."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.route("**/search/search_index.js", lambda route: route.abort())
    return page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 1400), ("dark", 400)])
def test_anybody_can_read_it(browser: Any, site: Path, scheme: str, width: int) -> None:
    """As far as axe-core can tell: nothing serious."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    axe = Path(spec.submodule_search_locations[0]) / "axe.min.js"
    page = opened(browser, width, scheme)
    found = {}
    kinds = KINDS if width > 400 else KINDS[:3]
    for name in kinds:
        page.goto((site / name).as_uri())
        shown = page.evaluate("document.body.dataset.mdColorScheme")
        assert shown == {"light": "default", "dark": "slate"}[scheme]
        page.add_script_tag(path=axe)
        told = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        found[name] = [
            (one["id"], one["nodes"][0]["html"])
            for one in told
            if one["impact"] in ("serious", "critical")
        ]
    page.close()
    assert {name: told for name, told in found.items() if told} == {}


def test_it_fits_a_phone(browser: Any, site: Path, pages: dict[Path, Page]) -> None:
    page = opened(browser, 400)
    wide = {}
    for path in pages:
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > 400:
            wide[path.relative_to(site).as_posix()] = width
    page.close()
    assert wide == {}


@pytest.mark.parametrize(("name", "width"), [("index.html", 1400), ("how-to/query.html", 400)])
def test_it_is_searched_without_a_server_or_a_network(
    browser: Any, site: Path, name: str, width: int
) -> None:
    asked: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / name).as_uri())
    if width < 1000:
        page.click("label.md-header__button[for=__search]")
    page.locator("input.md-search__input").press_sequentially("quarantine")
    page.wait_for_selector(".md-search-result__link")
    page.click(".md-search-result__link >> nth=0")
    page.wait_for_url(lambda url: "?h=" in url)
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
