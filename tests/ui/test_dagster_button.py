"""The way to Dagster: for admins only, and in words where Dagster does not run."""

from playwright.sync_api import expect

from tests.ui.conftest import Open
from tests.ui.fake_api import FakeApi


def test_only_an_admin_sees_the_way_to_dagster(api: FakeApi, open_page: Open) -> None:
    for role, buttons in (("trainer", 0), ("observer", 0), ("admin", 1)):
        api.rest.user["role"] = role
        page = open_page(api, "/")
        expect(page.get_by_role("heading", name="Classes")).to_be_visible()
        expect(page.get_by_role("button", name="Open Dagster")).to_have_count(buttons)


def test_where_dagster_does_not_run_the_page_stays_and_says_so(api: FakeApi, open_page: Open) -> None:
    api.rest.user["role"] = "admin"
    for size in ((1366, 768), (390, 844)):
        page = open_page(api, "/", size=size)
        page.get_by_role("button", name="Open Dagster").click()
        expect(page.locator(".toast.bad")).to_contain_text("Dagster does not run here")
        assert page.url == f"{api.address}/"
