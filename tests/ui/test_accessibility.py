"""axe-core finds nothing on any page, dark or light, laptop or phone; and nothing leaves the house.

Colours differ by scheme and layout by size, so two of the four pairs show both of each.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import LAPTOP, Open
from tests.ui.fake_api import FakeApi
from tests.ui.fake_rest import STATIC

pytestmark = pytest.mark.pages
AXE = Path(__file__).parents[2] / "api" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = (390, 844)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


def violations(page: Page) -> list[str]:
    if not AXE.is_file():
        pytest.skip("NOT TESTED FOR ACCESSIBILITY: axe-core is not installed (run `make ui`)")
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run(document, rules).then(result => result.violations)", RULES)
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for one in found for node in one["nodes"]
    ]


def busy(api: FakeApi) -> None:
    people = api.klass.people
    people[2].strap = False
    people[3].left = True
    api.silence(people[4].member_id)
    api.raise_alert(people[0].member_id, "critical", "Anna is at 191 bpm")
    api.raise_alert(people[1].member_id, "warning", "Bartosz is above zone 4")
    held = api.raise_alert(people[5].member_id, "info", "No signal from a strap")
    api.change_alert(held, acknowledged_at_ms=api.klass.started_at_ms, acknowledged_by="Tara Trainer", repeated=2)
    api.klass.said(people[7].member_id, people[7].name, "member", 3, "My strap slipped")
    api.klass.said(3, "Tara Trainer", "trainer", None, "Ten seconds left!")
    api.clear_alert(api.raise_alert(people[6].member_id, "warning", "It was too hard"))


@pytest.mark.parametrize(("dark", "size"), [(True, LAPTOP), (False, PHONE)])
def test_axe_finds_nothing_on_any_page(api: FakeApi, open_page: Open, dark: bool, size: tuple[int, int]) -> None:
    busy(api)
    page = open_page(api, "/", dark=dark, size=size, signed_in=False)
    expect(page.get_by_label("Mail address")).to_be_visible()
    assert violations(page) == []

    page = open_page(api, "/", dark=dark, size=size)
    expect(page.get_by_role("heading", name="Sunrise HIIT")).to_be_visible()
    assert violations(page) == []

    page.goto(api.address + "/straps")
    expect(page.get_by_role("rowheader", name="Strap 2")).to_be_visible()
    assert violations(page) == []

    page.goto(api.address + "/classes/7/live")
    expect(page.locator(".card[data-state=stale]")).to_have_count(1)
    assert violations(page) == []
    if size == PHONE:
        for part in ("Alerts", "Timeline"):
            page.get_by_role("navigation", name="Parts of the class").get_by_role("button", name=part).click()
            assert violations(page) == []
        page.get_by_role("navigation", name="Parts of the class").get_by_role("button", name="Members").click()
    page.locator(".card-button").nth(1).click()
    expect(page.get_by_role("dialog").locator(".u-over")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page) == []

    page.goto(api.address + "/classes/7/wall")
    expect(page.locator(".tile")).to_have_count(10)
    assert violations(page) == []

    api.end_class()
    page.goto(f"{api.address}/sessions/{api.klass.session_id}/summary")
    expect(page.get_by_role("heading", name="Members")).to_be_visible()
    assert violations(page) == []


def test_pages_ask_nobody_but_their_own_server(api: FakeApi, open_page: Open, big_api: Callable[[int], FakeApi]) -> None:
    page = open_page(api, "/", signed_in=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(api.address + "/classes/7/live")
    expect(page.locator(".card")).to_have_count(12)
    page.locator(".card-button").first.click()
    expect(page.get_by_role("dialog").locator(".u-over")).to_be_visible()
    assert asked
    assert [url for url in asked if not url.startswith(api.address)] == []


def test_the_page_is_small_and_has_nothing_inline() -> None:
    import gzip
    import re

    html = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html)
    assert "http" not in html
    scripts = [file for file in (STATIC / "assets").glob("*.js") if not file.name.startswith("plot-")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in scripts) < 45 * 1024
