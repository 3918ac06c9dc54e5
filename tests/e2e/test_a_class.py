"""One class from the first heartbeat to its summary, through the real doors, seen in a real browser. The tests run in order."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from infra.warehouse import open_client
from tests.e2e.conftest import House
from tests.e2e.straps import Straps
from tests.running import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.pages]
SOON_MS, WHILE_MS = 15_000, 60_000


@dataclass
class Story:
    """What the tests of this module hand on to each other."""

    house: House
    page: Page
    straps: Straps
    members: list[int]
    limits: dict[int, int]
    session_id: str = ""
    noted: dict[str, object] = field(default_factory=dict)

    def card(self, member: int) -> Locator:
        return self.page.locator("li.card", has=self.page.locator(f'[data-member="{member}"]'))

    def alert_about(self, member: int) -> Locator:
        name = next(m["name"] for m in self.house.seeded["members"] if m["id"] == member)
        return self.page.locator("#alerts li.alert", has_text=name)


@pytest.fixture(scope="module")
def story(house: House, browser: Browser) -> Iterator[Story]:
    members = [m["id"] for m in house.seeded["members"]]
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(WHILE_MS)
    expect.set_options(timeout=WHILE_MS)
    with house.signed_in() as trainer:
        session_id = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
        record = trainer.get(f"/api/v1/live/sessions/{session_id}").raise_for_status().json()["session"]
    limits = {p["member_id"]: p.get("limits", {}).get("heart_rate_high_bpm", 180) for p in record["participants"]}
    straps = Straps(house.settings.gateway_url, house.seeded["device_token"], {m: 120 + 3 * n for n, m in enumerate(members)})
    straps.start()
    yield Story(house, page, straps, members, limits, session_id)
    straps.stop()
    page.context.close()


def test_the_trainer_signs_in_and_the_class_appears(story: Story) -> None:
    login = story.house.seeded["trainer"]
    story.page.goto(f"{story.house.url}/classes/{story.house.spin_id}/live")
    story.page.get_by_label("Mail address").fill(login["email"])
    story.page.get_by_label("Password").fill(login["password"])
    story.page.get_by_role("button", name="Sign in").click()
    expect(story.page.locator("li.card")).to_have_count(len(story.members))
    for number, member in enumerate(story.members):
        card = story.card(member)
        expect(card).to_have_attribute("data-state", "live")
        expect(card.locator(".bpm")).to_have_text(re.compile(rf"{120 + 3 * number}|{121 + 3 * number}"))


def test_the_page_shows_how_long_the_live_path_is(story: Story) -> None:
    expect(story.page.locator(".live-path")).to_have_text(re.compile(r"^live path [\d.]+\s(ms|s)$"))
    path = httpx.get(f"{story.house.url}/health").json()["live_path"]
    assert path["state"] == "ok", path
    assert path["last_ms"] > 0


def test_a_heart_rate_above_the_limit_becomes_an_alert(story: Story) -> None:
    member = story.members[2]
    story.straps.heart_rates[member] = story.limits[member] + 8
    alert = story.alert_about(member)
    expect(alert).to_be_visible()
    expect(alert.locator(".alert-message")).to_contain_text(str(story.limits[member]))
    expect(story.card(member)).to_have_attribute("data-attention", re.compile("warning|critical"))


def test_the_trainer_acknowledges_it_and_sees_who_did(story: Story) -> None:
    alert = story.alert_about(story.members[2])
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_contain_text(f"Acknowledged by {story.house.seeded['trainer']['name']}")


def test_it_clears_when_the_heart_rate_is_back(story: Story) -> None:
    member = story.members[2]
    story.straps.heart_rates[member] = 126
    expect(story.alert_about(member)).to_have_count(0)
    expect(story.page.locator("#alerts")).to_contain_text("cleared")


def test_no_alert_is_lost_while_the_api_is_dead(story: Story) -> None:
    member = story.members[5]
    story.house.kill("api")
    story.straps.heart_rates[member] = story.limits[member] + 9
    client = open_client(story.house.settings, "reader")

    def stored() -> bool:
        found = client.query("SELECT count() FROM v_alerts WHERE member_id = {m:UInt64}", parameters={"m": member})
        return bool(found.result_rows[0][0])

    wait_until(stored, "the alert is in the warehouse", 60, pause_s=0.3)
    expect(story.alert_about(member)).to_be_visible()
    expect(story.card(story.members[0])).to_have_attribute("data-state", "live")
    story.straps.heart_rates[member] = 133


def test_a_silent_strap_shows_as_stale(story: Story) -> None:
    member = story.members[7]
    story.straps.silent.add(member)
    expect(story.card(member)).to_have_attribute("data-state", "stale")
    expect(story.card(member)).to_contain_text("Stale")
    story.straps.silent.discard(member)
    expect(story.card(member)).to_have_attribute("data-state", "live")


def test_what_is_wrong_is_refused_and_found_again(story: Story) -> None:
    now = int(time.time() * 1000)
    bad = {
        "type": "heart_rate",
        "event_id": "impossible-1",
        "member_id": story.members[0],
        "device_id": "x",
        "event_time_ms": now,
        "heart_rate_bpm": 999,
    }
    answer = httpx.post(
        f"{story.house.settings.gateway_url}/v1/events",
        json=bad,
        headers={"Authorization": f"Bearer {story.house.seeded['device_token']}"},
    )
    assert answer.status_code == 422
    assert "heart_rate_bpm" in answer.text
    listed = story.house.run("dead-letters", "list")
    assert listed.returncode == 0, listed.stderr
    assert "gateway" in listed.stdout


def test_the_class_ends_and_its_summary_appears(story: Story) -> None:
    story.page.get_by_role("button", name="End", exact=True).click()
    story.page.get_by_role("dialog").get_by_role("button", name="End class").click()
    story.page.wait_for_url(re.compile(r"/sessions/.*/summary"))
    expect(story.page.get_by_role("heading", name=re.compile("Morning Spin"))).to_be_visible()
    expect(story.page.locator("table tbody tr")).to_have_count(len(story.members))


def test_the_summary_says_what_the_straps_sent_and_the_analyst_finds_the_same(story: Story) -> None:
    with story.house.signed_in() as trainer:
        summary = trainer.get(f"/api/v1/sessions/{story.session_id}/summary").raise_for_status().json()
    assert summary["attendance"] == {"expected": len(story.members), "actual": len(story.members)}
    rows = {row["member_id"]: row for row in summary["members"]}
    undisturbed = story.members[1]
    assert rows[undisturbed]["heart_rate_avg_bpm"] == pytest.approx(123.5, abs=0.2)
    assert rows[undisturbed]["heart_rate_max_bpm"] == 124
    assert rows[story.members[2]]["alerts"] == 1
    analyst = open_client(story.house.settings, "analyst")
    found = analyst.query(
        "SELECT member_id, heart_rate_avg_bpm, trimp, seconds_seen FROM v_member_summaries WHERE session_id = {s:UUID}",
        parameters={"s": story.session_id},
    )
    assert {row[0] for row in found.result_rows} == set(story.members)
    for member_id, average, trimp, _seconds in found.result_rows:
        assert rows[member_id]["heart_rate_avg_bpm"] == pytest.approx(average)
        assert rows[member_id]["trimp"] == pytest.approx(trimp)
    stored = analyst.query(
        "SELECT avg(heart_rate_bpm) FROM v_telemetry_1s WHERE session_id = {s:UUID} AND member_id = {m:UInt64}",
        parameters={"s": story.session_id, "m": undisturbed},
    )
    assert stored.result_rows[0][0] == pytest.approx(rows[undisturbed]["heart_rate_avg_bpm"], abs=0.1)


def test_every_event_the_gateway_accepted_is_stored_once(story: Story) -> None:
    story.straps.stop()
    client = open_client(story.house.settings, "reader")

    def stored() -> int:
        found = client.query("SELECT count() FROM v_telemetry_raw WHERE metric = 'heart_rate_bpm'")
        return int(found.result_rows[0][0])

    wait_until(lambda: stored() >= story.straps.sent, f"{story.straps.sent} readings stored", 30, pause_s=0.3)
    assert stored() == story.straps.sent
