"""Messages on the trainer's page: to the class, to one member, and those that come in."""

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Open
from tests.ui.fake_api import FakeApi

pytestmark = pytest.mark.pages
LIVE = "/classes/7/live"
PHONE = (390, 844)


def sent(api: FakeApi) -> list[tuple[int | None, str]]:
    """Recipient and text of what the page has sent."""
    return [(body["recipient_id"], body["text"]) for path, body in api.rest.calls if path == "/api/v1/live/messages"]


def test_a_trainer_writes_to_the_class_by_one_key_and_to_one_member_by_choice(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[4]
    expect(page.locator(".card")).to_have_count(12)
    page.keyboard.press("t")
    page.keyboard.type("Ten seconds left!")
    page.keyboard.press("Enter")
    line = page.locator(".said")
    expect(line).to_contain_text("to everyone Ten seconds left!")
    expect(page.locator(".toast")).to_have_text("Sent to everyone")
    page.get_by_label("Message to", exact=True).select_option(member.name)
    field = page.get_by_label(f"Message to {member.name}", exact=True)
    expect(field).to_have_value("")
    field.fill("Lower your heels")
    page.get_by_role("button", name=f"Send message to {member.name}").click()
    expect(line.first).to_contain_text(f"to {member.name} Lower your heels")
    assert sent(api) == [(None, "Ten seconds left!"), (member.member_id, "Lower your heels")]


def test_a_trainer_writes_to_a_member_whose_details_are_open(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[2]
    page.locator(".card", has_text=member.name).locator(".card-button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(f"Message to {member.name}").fill("Well done")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.locator(".toast")).to_have_text(f"Sent to {member.name}")
    assert sent(api) == [(member.member_id, "Well done")]


def test_a_message_comes_in_is_said_and_answered(api: FakeApi, open_page: Open) -> None:
    member = api.klass.people[7]
    api.klass.said(member.member_id, member.name, "member", 3, "I am here")
    page = open_page(api, LIVE)
    line = page.locator(".said.incoming")
    expect(line).to_contain_text(f"{member.name} I am here")
    expect(page.locator(".toast")).to_have_count(0)
    api.write_to_trainer(member.member_id, "My strap slipped")
    expect(line.first).to_contain_text("My strap slipped")
    expect(page.locator(".toast")).to_have_text(f"{member.name}: My strap slipped")
    page.get_by_role("button", name=f"Reply to {member.name}").first.click()
    field = page.get_by_label(f"Message to {member.name}", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("On my way")
    page.keyboard.press("Enter")
    expect(page.locator(".said").first).to_contain_text(f"to {member.name} On my way")
    assert sent(api) == [(member.member_id, "On my way")]


def test_no_message_is_lost_or_doubled_when_the_server_is_cut(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE)
    member = api.klass.people[0].member_id
    line = page.locator(".said.incoming")
    api.write_to_trainer(member, "Before the cut")
    expect(line).to_have_count(1)
    api.kill()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    api.write_to_trainer(member, "During the cut")
    api.start()
    expect(line).to_have_count(2)
    api.kill()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    api.write_to_trainer(member, "In the lost log")
    api.push.streams.clear()
    api.start()
    expect(line).to_have_count(3)
    api.write_to_trainer(member, "After the loss")
    expect(line).to_have_count(4)
    texts = ("After the loss", "In the lost log", "During the cut", "Before the cut")
    for text, shown in zip(texts, line.all(), strict=True):
        expect(shown).to_contain_text(text)


def test_a_phone_shows_that_a_message_waits_behind_another_part(api: FakeApi, open_page: Open) -> None:
    page = open_page(api, LIVE, size=PHONE)
    tab = page.get_by_role("navigation", name="Parts of the class").get_by_role("button", name="Timeline")
    expect(page.locator(".card[data-state=live]")).to_have_count(12)
    page.wait_for_timeout(2_000)  # what is there when the page has just begun is not news
    api.write_to_trainer(api.klass.people[0].member_id, "My strap slipped")
    expect(tab.locator(".badge")).to_have_text("1")
    tab.click()
    expect(page.locator(".said.incoming")).to_be_visible()
    expect(tab.locator(".badge")).to_have_count(0)


def test_who_does_not_lead_the_class_reads_and_cannot_write(api: FakeApi, open_page: Open) -> None:
    api.rest.user = {**api.rest.user, "id": 9, "role": "observer"}
    api.klass.said(3, "Tara Trainer", "trainer", None, "Ten seconds left!")
    page = open_page(api, LIVE)
    expect(page.locator(".said")).to_contain_text("Tara Trainer to everyone Ten seconds left!")
    expect(page.get_by_role("button", name="Send")).to_have_count(0)
