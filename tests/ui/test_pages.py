"""Sign-in, class list, wall, summary, phone and keyboard, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Open
from tests.ui.fake_api import FakeApi
from tests.ui.fake_rest import EMAIL, PASSWORD

pytestmark = pytest.mark.pages
PHONE = (390, 844)


def fill_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("Mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_to_the_page_asked_for_and_survives_a_reload(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/classes/7/live", signed_in=False)
    fill_in(page, EMAIL, "wrong")
    expect(page.locator(".signin-wrong")).to_have_text("Mail address or password is wrong.")
    fill_in(page, EMAIL, PASSWORD)
    expect(page.locator(".card")).to_have_count(12)
    page.reload()
    expect(page.locator(".card")).to_have_count(12)


def test_a_locked_account_is_told_for_how_long(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/", signed_in=False)
    fill_in(page, "locked@paceline.example", "whatever it was")
    expect(page.locator(".signin-wrong")).to_contain_text(re.compile(r"locked for a while\. Try again in 14\smin"))


def test_signing_out_ends_it_for_good(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Mail address")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Mail address")).to_be_visible()


def test_the_class_list_shows_running_planned_and_past_ones(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/")
    running = page.get_by_role("region", name="Running now")
    expect(running.get_by_role("heading", name="Evening Spin")).to_be_visible()
    expect(page.get_by_role("region", name="Schedule").first).to_contain_text("Sunrise HIIT")
    expect(page.get_by_role("table")).to_contain_text("Lunch HIIT")
    running.get_by_role("link", name="Open live").click()
    expect(page.locator(".card")).to_have_count(12)


def test_a_class_is_started_from_the_list(api: FakeApi, open_page: Open) -> None:
    api.klass.state = None
    page = open_page(api, "/")
    page.get_by_role("button", name="Start Evening Spin").click()
    expect(page.locator(".card")).to_have_count(12)
    assert api.rest.calls[0][0] == "/api/v1/classes/7/start"


def test_a_page_opened_too_early_waits_for_the_class(api: FakeApi, open_page: Open) -> None:
    api.klass.state = None
    page = open_page(api, "/classes/7/wall")
    expect(page.get_by_text("This class is not running.")).to_be_visible()
    api.klass.state = "active"
    expect(page.locator(".tile")).to_have_count(12)


def test_strange_addresses_are_said_to_be_strange(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/nothing/here")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page = open_page(api, "/classes/999/live")
    expect(page.get_by_text("There is no such class.")).to_be_visible()


@pytest.mark.parametrize(("members", "size"), [(40, (1920, 1080)), (100, (1920, 1080)), (100, (3840, 2160))])
def test_the_wall_fits_its_screen_without_scrolling(
    big_api: Callable[[int], FakeApi], open_page: Open, members: int, size: tuple[int, int]
) -> None:
    api = big_api(members)
    page = open_page(api, "/classes/7/wall", size=size)
    expect(page.locator(".tile")).to_have_count(members)
    expect(page.locator(".tile").last).to_be_in_viewport(ratio=1)
    expect(page.locator(".tile").first).to_be_in_viewport(ratio=1)
    assert page.evaluate(
        "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
    )
    cut = page.evaluate(
        "[...document.querySelectorAll('.tile .name, .tile-bpm, .tile .zone-line')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map(e => e.textContent)"
    )
    assert cut == [], "no number, zone or name is cut off"
    assert float(page.locator(".tile-bpm").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= size[1] * 0.05
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    for name in ("Pause", "End", "Acknowledge"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_the_wall_tells_no_alert_and_shortens_names(api: FakeApi, open_page: Open) -> None:
    api.raise_alert(api.klass.people[0].member_id, "critical", "Private words")
    api.klass.people[1].strap = False
    page = open_page(api, "/classes/7/wall", size=(1920, 1080))
    expect(page.locator(".tile")).to_have_count(11)
    expect(page.locator(".tile[data-attention=critical]")).to_have_count(1)
    expect(page.get_by_text("Not measured:")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Private words")
    expect(page.locator("body")).to_contain_text("Anna K.")
    expect(page.locator("body")).not_to_contain_text("Anna Kowalska")


def test_a_phone_has_rows_a_sticky_alert_and_controls_at_the_bottom(big_api: Callable[[int], FakeApi], open_page: Open) -> None:
    api = big_api(30)
    api.raise_alert(api.klass.people[0].member_id, "critical", "Look at Anna")
    page = open_page(api, "/classes/7/live", size=PHONE)
    expect(page.locator(".card")).to_have_count(30)
    boxes = [one.bounding_box() for one in page.locator(".card").all()[:4]]
    assert len({box["x"] for box in boxes if box}) == 1, "one below the other"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.locator(".card").last.scroll_into_view_if_needed()
    expect(page.locator(".alert-bar")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Pause")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="End", exact=True)).to_be_in_viewport(ratio=1)
    for button in page.locator(".tabs button, .controls button:visible, .alert-bar .square").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, "large enough for a thumb"
    page.get_by_role("button", name="Acknowledge: Look at Anna").click()
    expect(page.locator(".alert-bar")).to_have_count(0)
    page.get_by_role("navigation", name="Parts of the class").get_by_role("button", name="Timeline").click()
    page.get_by_role("button", name="Cool-down").click()
    expect(page.get_by_role("list", name="What happened")).to_contain_text("Cool-down")


def test_everything_can_be_done_by_keyboard(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/", signed_in=False)
    expect(page.get_by_label("Mail address")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Open live")
    expect(link).to_be_visible()
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(12)

    tab_to(page, page.locator(".card-button").first)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("[...document.querySelectorAll('.card-button')].indexOf(document.activeElement)")
    assert focused > 1, "a card in the second row"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    api.raise_alert(api.klass.people[0].member_id, "critical", "By key")
    expect(page.locator(".alert-message", has_text="By key")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".in-hand-by")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("list", name="What happened")).to_contain_text("Main set")
    page.keyboard.press("m")
    page.keyboard.type("pause here, please")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="What happened")).to_contain_text("pause here, please")
    assert api.klass.state == "active", "letters typed into a field are no shortcuts"
    page.keyboard.press("Tab")
    page.keyboard.press("p")
    expect(page.get_by_text("The class is paused")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    tab_to(page, page.get_by_role("button", name="End class"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/summary$"))


def tab_to(page: Page, target: object) -> None:
    """Press Tab until the target has the focus, and see that the focus can be seen on the way."""
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if target.evaluate("e => e === document.activeElement"):  # type: ignore[attr-defined] # a Locator
            return
    raise AssertionError("the target cannot be reached by Tab")


def test_single_keys_can_be_switched_off(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/classes/7/live")
    expect(page.locator(".card")).to_have_count(12)
    page.keyboard.press("?")
    page.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.wait_for_timeout(500)
    assert api.klass.state == "active"


def test_the_summary_says_what_the_class_came_to(api: FakeApi, open_page: Open) -> None:
    api.klass.people[5].strap = False
    api.end_class()
    page = open_page(api, f"/sessions/{api.klass.session_id}/summary")
    expect(page.get_by_role("region", name="At a glance")).to_contain_text(re.compile(r"11\s*/ 12"))
    expect(page.get_by_text("Wide variation in member intensity levels")).to_be_visible()
    rows = page.locator(".members tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.last).to_contain_text("did not come")
    page.get_by_role("button", name="Max HR").click()
    expect(page.get_by_role("columnheader", name="Max HR")).to_have_attribute("aria-sort", "descending")
    values = [int(one.inner_text()) for one in page.locator(".members tbody tr td:nth-child(4)").all()]
    assert values == sorted(values, reverse=True)
    page.get_by_role("button", name="Max HR").click()
    expect(page.get_by_role("columnheader", name="Max HR")).to_have_attribute("aria-sort", "ascending")


def test_the_theme_follows_the_system_until_somebody_chooses(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/", dark=False)
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name=re.compile("^Theme")).click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
