"""The pages in Chromium, over stores as they come: large, hostile, growing, gone."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pages import HOSTILE, KILLED, MANY, axe, axe_source, filled, serving
from project import make_project
from report.browser import chromium
from waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("processes", "servers")

TOKEN = "a-token-of-the-tests-own"
PATHS = ("/", "/runs", f"/runs/{KILLED}", "/devices", "/history", "/compare", "/search?q=many",
         "/login")  # fmt: skip


@pytest.fixture(scope="module")
def browser(processes: None, servers: None) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        found = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield found
        found.close()


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cache = str(tmp_path_factory.mktemp("cache"))
    told = {name: value for name, value in os.environ.items() if not name.startswith("BENCHHUB")}
    return told | {"BENCHHUB_CACHE": cache, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "kept.db"
    filled(path)
    return path


@pytest.fixture(scope="module")
def address(env: dict[str, str], store: Path) -> Iterator[str]:
    with serving(env, "--store", f"sqlite:///{store}") as found:
        yield found


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    wrong: list[str] = []
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def test_anybody_can_read_them_light_dark_and_narrow(browser: Any, address: str) -> None:
    source, found = axe_source(), []
    for scheme, rules in (("light", ()), ("dark", ("color-contrast",))):
        context = browser.new_context(color_scheme=scheme, viewport={"width": 400, "height": 800})
        page = context.new_page()
        for path in (*PATHS, f"/devices/{quote(HOSTILE, safe='')}"):
            page.goto(address + path)
            found += [(scheme, path, one) for one in axe(page, source, rules)]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found += [(scheme, path, f"{wide} pixels too wide")] if wide > 0 else []
        context.close()
    assert found == []


def test_a_thousand_runs_and_devices_are_paged_and_found(page: Any, address: str) -> None:
    page.goto(f"{address}/runs")
    assert page.locator("tbody tr").count() == 50
    assert page.locator("tbody tr").first.inner_text().startswith(KILLED)
    page.click("a[rel=next]")
    assert "Page 2 of" in page.inner_text(".pager")
    assert page.locator("tbody tr").count() == 50
    page.goto(f"{address}/devices")
    assert page.locator("tbody tr").count() == 50
    assert f"{MANY + 2} devices" in page.inner_text("main")
    page.goto(f"{address}/search?q=rack-0999")
    page.click("main a:has-text('rack-0999')")
    assert "Device rack-0999" in page.inner_text("h1")


def test_a_killed_run_is_not_said_to_go_on(page: Any, address: str) -> None:
    page.goto(address)
    line = page.locator("tr.of-run").inner_text()
    assert "killed" in line
    assert "at work" not in line
    page.click("tr.of-run a")
    assert f"benchhub run --resume {KILLED}" in page.inner_text("main")


def test_hostile_names_are_texts_wherever_they_stand(page: Any, address: str) -> None:
    for path in ("/", f"/runs?q={quote(HOSTILE)}", f"/search?q={quote(HOSTILE)}", "/devices",
                 "/history", f"/history?suite={quote(HOSTILE)}"):  # fmt: skip
        page.goto(address + path)
        assert HOSTILE in page.inner_text("body"), path
        assert page.locator("img").count() == 0
    page.goto(f"{address}/devices")
    page.locator("tbody th a").first.click()
    assert page.inner_text("h1") == f"Device {HOSTILE}"
    for path in ("/runs/../../etc/passwd", f"/runs/{quote(HOSTILE, safe='')}", "/assets/..%2fx",
                 "/runs?page=99999999999", "/runs?page=-1", "/events?view=x"):  # fmt: skip
        assert "benchhub" in page.goto(address + path).text() or page.inner_text("body")


def test_pages_are_whole_without_javascript(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert "killed" in page.inner_text("tr.of-run")
    assert "does not refresh itself without JavaScript" in page.inner_text("footer")
    context.close()


def test_what_is_computed_comes_without_being_asked_twice(page: Any, address: str) -> None:
    page.goto(f"{address}/runs/20260102-120000-aaaa/report")
    page.wait_for_selector("#cell-table")
    # Its own script runs under the policy: it drew what opens a cell.
    assert page.evaluate("document.querySelector('#filters').hidden") is False
    page.goto(f"{address}/verdicts?q=img")
    page.wait_for_selector("text=The newest run of each suite")
    assert HOSTILE in page.inner_text("tbody")


def test_a_run_that_was_deleted_meanwhile_is_told(env: dict[str, str], store: Path, page: Any,
                                                  tmp_path: Path) -> None:  # fmt: skip
    own = tmp_path / "own.db"
    own.write_bytes(store.read_bytes())
    with serving(env, "--store", f"sqlite:///{own}") as address:
        page.goto(f"{address}/runs/many-0001")
        with contextlib.closing(sqlite3.connect(own)) as raw, raw:
            raw.execute("delete from runs where id = 'many-0001'")
        response = until(lambda: _gone(page, f"{address}/runs/many-0001"), "it is gone")
        assert "there is no run many-0001" in response
        page.goto(f"{address}/compare?before=many-0001&after=many-0002")
        assert "there is no run many-0001" in page.inner_text("main")
        page.goto(address)
        own.unlink()
        page.wait_for_selector("#problem:not([hidden])")
        assert "is gone" in page.inner_text("#problem")


def _gone(page: Any, url: str) -> str:
    response = page.goto(url)
    return str(page.inner_text("main")) if response.status == 404 else ""


def test_a_run_is_followed_killed_resumed_and_stopped(
    env: dict[str, str], page: Any, tmp_path: Path
) -> None:
    project = make_project(tmp_path, launches=4000)
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    url = f"sqlite:///{tmp_path}/benchhub.db"
    process = project.start("run", "tiny", "--device", "here")
    others = []
    try:
        until((tmp_path / "benchhub.db").exists, "the run began")
        told = env | {"BENCHHUB_SERVE_TOKEN": TOKEN, "BENCHHUB_CACHE": str(tmp_path / "serve")}
        with serving(told, "--store", url, "--allow-actions") as address:
            page.goto(address)
            page.wait_for_selector("text=at work")
            launches = page.locator(".launches .nowrap").inner_text()
            until(lambda: page.locator(".launches .nowrap").inner_text() != launches, "it goes on")
            process.kill()
            process.communicate()
            page.wait_for_selector("text=it was killed")
            found = page.locator("tr.of-run code").inner_text()
            others.append(project.start("run", "--resume", found))
            page.wait_for_selector("text=at work")

            page.click("text=Show the token")
            page.fill("[name=token]", "not the token at all")
            page.click("main button")
            assert "this is not the token" in page.inner_text("[role=alert]")
            page.fill("[name=token]", TOKEN)
            page.click("main button")
            page.goto(f"{address}/runs/{found}")
            page.click("text=Stop this run")
            page.click("main button:has-text('Stop run')")
            _, err = others[0].communicate(timeout=PATIENCE_S)
            assert others[0].returncode == 130, err
            assert "asked" in err
            page.goto(address)
            page.wait_for_selector("text=No run is under way")
            record = (tmp_path / "serve" / "serve" / "actions.jsonl").read_text()
            assert f"run asked to stop: {found}" in record
    finally:
        for one in (process, *others):
            one.kill()
            one.communicate()


def test_a_wrong_token_opens_nothing(env: dict[str, str], store: Path) -> None:
    told = env | {"BENCHHUB_SERVE_TOKEN": TOKEN}
    with serving(told, "--store", f"sqlite:///{store}", "--behind-proxy") as address:
        for token, status in (("wrong" * 5, 401), (TOKEN, 200)):
            asked = urllib.request.Request(address, headers={"authorization": f"Bearer {token}"})
            assert _status(asked) == status
        assert _status(urllib.request.Request(address)) == 401


def _status(asked: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(asked) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_port_in_use_and_a_short_token_are_lines(store: Path, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    url = f"sqlite:///{store}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = project.here("serve", "--store", url, "--port", port)
    assert (done.code, f"port {port} of 127.0.0.1 is in use" in done.error) == (2, True)
    short = tmp_path / "token"
    short.write_text("short\n")
    short.chmod(0o600)
    assert "at least 16" in project.here("serve", "--token-file", str(short)).error
    short.write_text(TOKEN)
    short.chmod(0o644)
    assert re.search("chmod 600", project.here("serve", "--token-file", str(short)).error)
    assert "there is no" in project.here("serve", "--store", f"sqlite:///{tmp_path}/x.db").error
