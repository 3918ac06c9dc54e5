"""The trainer's page in a real browser: what a trainer sees when hearts, straps, alerts and servers do what they do."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Open
from tests.ui.fake_api import FakeApi

pytestmark = pytest.mark.pages
LIVE = "/classes/7/live"


def seen_acks(api: FakeApi) -> list[int]:
    return [frame["offset"] for frame in api.push.frames if frame["type"] == "ack" and frame["channel"].startswith("alerts:")]


def test_a_class_appears_with_a_card_for_each_member(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    expect(page.locator(".card")).to_have_count(12)
    first = api.klass.people[0]
    shown = page.locator(".card", has_text=first.name)
    expect(shown.locator(".bpm")).to_contain_text(re.compile(r"^\d{2,3}"))
    expect(shown.locator(".zone-line")).to_contain_text(re.compile(r"\d (Rest|Very light|Light|Moderate|Hard|Maximum)"))
    expect(page.get_by_text(re.compile(r"live · \d+ ms"))).to_be_visible()
    expect(page.get_by_label("Class overview")).to_contain_text("Intervals")
    expect(page.get_by_label("Class overview")).to_contain_text("12 / 12")


def test_numbers_on_a_card_follow_the_heart(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[2]
    number = page.locator(".card", has_text=member.name).locator(".bpm")
    expect(number).to_contain_text(re.compile(r"\d"))
    api.do(lambda: setattr(member, "bpm_at", lambda _now_ms: 201))
    expect(number).to_contain_text("201")
    expect(page.locator(".card", has_text=member.name)).to_have_attribute("data-zone", "5")


def test_an_alert_appears_is_acknowledged_and_clears(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    expect(page.get_by_text("All well")).to_be_visible()
    member = api.klass.people[4]
    alert_id = api.raise_alert(member.member_id, "critical", f"{member.name} is at 191 bpm, above 185", "Ask them to stop.")
    panel = page.get_by_role("region", name="Alerts")
    expect(panel).to_contain_text("191 bpm, above 185")
    expect(panel).to_contain_text("Ask them to stop.")
    expect(page.locator(".card").first).to_contain_text(member.name)
    expect(page.locator(".card").first).to_have_attribute("data-attention", "critical")
    expect(page.locator("[role=alert]", has_text="critical:")).to_contain_text("191 bpm")
    expect(page).to_have_title(re.compile(r"^\(1\) Evening Spin"))

    panel.get_by_role("button", name=re.compile("^Acknowledge")).click()
    expect(panel).to_contain_text("Acknowledged by Tara Trainer")
    expect(panel.get_by_role("button", name=re.compile("^Acknowledge"))).to_have_count(0)
    assert api.rest.calls[-1] == (f"/api/v1/alerts/{alert_id}/acknowledge", {"session_id": api.klass.session_id})

    api.clear_alert(alert_id)
    expect(page.get_by_text("All well")).to_be_visible()
    panel.get_by_text("1 cleared").click()
    expect(panel.locator(".cleared")).to_contain_text("191 bpm")
    expect(page.locator(".card[data-attention]")).to_have_count(0)


def test_when_the_server_is_cut_cards_age_and_no_alert_is_lost(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    api.raise_alert(api.klass.people[0].member_id, "warning", "Before the cut")
    expect(page.locator(".alert-message", has_text="Before the cut")).to_be_visible()
    expect(page.locator(".card[data-state=live]")).to_have_count(12)
    api.kill()
    expect(page.get_by_text(re.compile("reconnecting…")).first).to_be_visible()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    expect(page.locator(".card[data-state=stale]")).to_have_count(12)
    expect(page.locator(".card").first).to_contain_text(re.compile(r"Stale · \d+"))
    expect(page.get_by_label("Class overview")).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d"))
    api.raise_alert(api.klass.people[1].member_id, "warning", "During the cut")
    api.start()
    expect(page.get_by_text(re.compile(r"live · "))).to_be_visible(timeout=20_000)
    expect(page.locator(".alert-message", has_text="During the cut")).to_have_count(1)
    expect(page.locator(".alert-message", has_text="Before the cut")).to_have_count(1)
    expect(page.locator(".card[data-state=live]")).to_have_count(12)
    hello = [frame for frame in api.push.frames if frame["type"] == "hello"][-1]
    alerts = next(wanted for wanted in hello["subscriptions"] if wanted["channel"].startswith("alerts:"))
    assert alerts["offset"] == api.push.streams[alerts["channel"]].messages[0]["offset"], (
        "it resumed from the last alert it had"
    )


def test_when_the_log_was_lost_the_state_is_read_instead(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    api.raise_alert(api.klass.people[0].member_id, "warning", "Before the loss")
    expect(page.locator(".alert-message", has_text="Before the loss")).to_be_visible()
    api.kill()
    api.raise_alert(api.klass.people[1].member_id, "warning", "In the lost log")
    api.push.streams.clear()
    api.start()
    expect(page.locator(".alert-message", has_text="In the lost log")).to_have_count(1, timeout=20_000)
    api.raise_alert(api.klass.people[2].member_id, "info", "After the loss")
    expect(page.locator(".alert-message", has_text="After the loss")).to_have_count(1)
    expect(page.locator(".alert-message", has_text="Before the loss")).to_have_count(1)


def test_a_silent_strap_is_said_to_be_stale(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[3]
    shown = page.locator(".card", has_text=member.name)
    expect(shown).to_have_attribute("data-state", "live")
    api.silence(member.member_id)
    expect(shown).to_contain_text(re.compile(r"\ds ago|\d s ago".replace(" ", r"\s")))
    expect(shown).to_have_attribute("data-state", "stale")
    expect(shown).to_contain_text(re.compile(r"Stale · \d+"))
    expect(shown).not_to_contain_text(re.compile("Moderate|Hard|Light|Maximum"))


def test_members_without_strap_or_gone_are_told_apart_by_words(api: FakeApi, open_page: Open) -> None:
    api.klass.people[0].strap = False
    api.klass.people[1].left = True
    page = open_page(api, LIVE)
    expect(page.locator(".card", has_text=api.klass.people[0].name)).to_contain_text("No strap")
    expect(page.locator(".card", has_text=api.klass.people[1].name)).to_contain_text("Left")


def test_markers_and_notes_join_the_timeline(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    timeline = page.get_by_role("region", name="Timeline")
    timeline.get_by_role("button", name="Main set").click()
    expect(timeline.get_by_role("list", name="What happened")).to_contain_text("Main set")
    timeline.get_by_label("Own marker or class note").fill("Sprint 3")
    timeline.get_by_role("button", name="Mark with these words").click()
    expect(timeline.get_by_role("list", name="What happened")).to_contain_text("Sprint 3")
    timeline.get_by_label("Own marker or class note").fill("Fans too loud")
    timeline.get_by_role("button", name="Note with these words").click()
    expect(timeline.get_by_role("list", name="What happened")).to_contain_text("Fans too loud")
    bodies = [body for path, body in api.rest.calls if path.endswith(("markers", "notes"))]
    assert bodies[0] == {"marker_type": "main_workout_start", "label": "Main set"}
    assert bodies[1] == {"marker_type": "custom", "label": "Sprint 3"}
    assert bodies[2] == {"text": "Fans too loud", "note_type": "class"}


def test_a_pause_stops_the_class_clock(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("The class is paused")).to_be_visible()
    clock = page.locator(".clock")
    expect(clock).to_contain_text("Paused at")
    page.wait_for_timeout(1_500)  # the page's second hand may still walk up to the moment of the pause
    before = clock.inner_text()
    page.wait_for_timeout(2_200)
    assert clock.inner_text() == before
    page.get_by_role("button", name="Resume").click()
    expect(clock).to_contain_text("Time left")


def test_ending_the_class_asks_and_leads_to_its_summary(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert api.klass.state == "active"
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="End class").click()
    expect(page).to_have_url(re.compile(r"/sessions/[0-9a-f-]{36}/summary$"))
    expect(page.get_by_text("The summary is being written.")).to_be_visible()
    expect(page.get_by_role("heading", name="Evening Spin")).to_be_visible()
    expect(page.get_by_text("Corrected: revision 2")).to_be_visible()


def test_when_somebody_else_ends_the_class_the_page_goes_to_the_summary(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    other = open_page(api, LIVE)
    expect(other.locator(".card")).to_have_count(12)
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="End class").click()
    expect(other).to_have_url(re.compile("/summary$"))


def test_details_show_history_and_take_a_note(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[0]
    page.locator(".card", has_text=member.name).get_by_role("button").click()
    dialog = page.get_by_role("dialog", name=member.name)
    expect(dialog.locator(".u-over")).to_be_visible()
    expect(dialog.get_by_role("img", name=re.compile("heart rate"))).to_be_visible()
    dialog.get_by_role("button", name="Power").click()
    expect(dialog.get_by_role("img", name=re.compile("power watts: from"))).to_be_visible()
    dialog.get_by_label("Note on this member").fill("Knee hurts")
    dialog.get_by_role("button", name="Keep note").click()
    expect(page.get_by_text("Note kept")).to_be_visible()
    dialog.get_by_role("button", name="Check out").click()
    expect(page.get_by_text("Checked out").first).to_be_visible()
    assert [body for path, body in api.rest.calls if path.endswith("checkouts")] == [{"member_id": member.member_id}]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".card", has_text=member.name).get_by_role("button")).to_be_focused()


def test_a_critical_alert_is_told_above_an_open_dialog(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    page.locator(".card-button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".u-over")).to_be_visible()
    api.raise_alert(api.klass.people[3].member_id, "critical", "Look at Dmitri")
    expect(dialog.get_by_role("alert")).to_have_text("critical: Look at Dmitri")
    expect(dialog.locator(".toast")).to_have_text("critical: Look at Dmitri")


def test_sorting_and_filtering(api: FakeApi, open_page: Open) -> None:
    for person in api.klass.people:
        person.wave_bpm = 0
    page = open_page(api, LIVE)
    page.locator("#sort").select_option("Zone")
    expect(page.locator(".card").first).to_have_attribute("data-zone", "5")
    zones = [int(one.get_attribute("data-zone") or 0) for one in page.locator(".card").all()]
    assert zones == sorted(zones, reverse=True)
    page.get_by_role("searchbox").fill(api.klass.people[6].name[:6])
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("searchbox").fill("nobody")
    expect(page.get_by_text("Nobody matches this filter.")).to_be_visible()


def test_an_observer_sees_everything_and_can_change_nothing(api: FakeApi, open_page: Open) -> None:
    api.rest.user |= {"id": 9, "role": "observer"}
    page = open_page(api, LIVE)
    api.raise_alert(api.klass.people[0].member_id, "warning", "Look here")
    expect(page.locator(".alert-message", has_text="Look here")).to_be_visible()
    for name in ("Pause", "End", "Acknowledge", "Main set", "Mark"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_what_arrived_is_acknowledged_to_the_server(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    expect(page.locator(".card")).to_have_count(12)
    api.raise_alert(api.klass.people[0].member_id, "warning", "Look here")
    expect(page.locator(".alert-message", has_text="Look here")).to_be_visible()
    deadline = time.monotonic() + 5
    head = api.push.streams[f"alerts:{api.klass.session_id}"].head
    while head not in seen_acks(api):
        assert time.monotonic() < deadline, seen_acks(api)
        page.wait_for_timeout(100)


def test_a_live_path_that_breaks_turns_from_a_quiet_figure_into_a_warning(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    expect(page.locator(".live-path.good")).to_have_text(re.compile(r"^live path 84\sms$"))
    expect(page.locator(".notice")).to_have_count(0)
    api.rest.live_path |= {
        "state": "missing",
        "problem": "For 31 s no synthetic value has come back",
        "remedy": "Ask the doctor.",
    }
    expect(page.locator(".live-path.bad")).to_have_text("live path broken")
    expect(page.locator("#alerts")).to_contain_text("New alerts do not reach this page")
    expect(page.locator(".notice.bad")).to_contain_text(
        "may be old. For 31 s no synthetic value has come back. Ask the doctor."
    )
    api.rest.live_path |= {"state": "ok", "problem": "", "remedy": ""}
    expect(page.locator("#alerts")).to_contain_text("All well")
    expect(page.locator(".notice")).to_have_count(0)
