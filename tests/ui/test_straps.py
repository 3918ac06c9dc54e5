"""Straps given to members in the page."""

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Open
from tests.ui.fake_api import FakeApi

pytestmark = pytest.mark.pages


def test_an_unknown_strap_is_given_to_a_member_and_taken_back(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, "/")
    page.get_by_role("link", name="Straps").click()
    nobodys, members = (
        page.get_by_role("region", name="Nobody's").first,
        page.get_by_role("region", name="Members' straps").first,
    )
    expect(nobodys).to_contain_text("Strap 1")
    expect(members).to_contain_text("80 %")
    page.get_by_label("Whose Strap 1 is").select_option("Ben")
    expect(members).to_contain_text("Strap 1")
    expect(page.get_by_text("Strap 1 is Ben's now").first).to_be_visible()
    page.get_by_label("Whose Strap 2 is").select_option("nobody")
    expect(nobodys).to_contain_text("Strap 2")
    given = [(path.rsplit("/", 2)[1], body) for path, body in api.rest.calls]
    assert given == [("C0:FF:EE:00:00:01", {"member_id": 12}), ("C0:FF:EE:00:00:02", {"member_id": None})]


def test_an_observer_is_not_led_to_the_straps(api: FakeApi, open_page: Open) -> None:
    api.rest.user["role"] = "observer"
    page = open_page(api, "/")
    expect(page.get_by_role("heading", name="Sunrise HIIT")).to_be_visible()
    expect(page.get_by_role("link", name="Straps")).to_have_count(0)
