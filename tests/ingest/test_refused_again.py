"""What the gateway refused and an operator sends again: through the gateway, so that it is checked, stamped and keyed."""

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.dead_letters import read_dead_letters
from infra.errors import PacelineError
from infra.settings import child_environment
from tests.ingest.people import HUB_TOKEN, RunningGateway, heart_rate, now_ms, publish, published, session_record
from tests.running import wait_until

pytestmark = pytest.mark.servers
LATER_SESSION = "0b0e8a3c-0000-4000-8000-00000000f00d"


@pytest.fixture
def refused(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, object], dict[str, object]]:
    """Two events that the gateway refused, and an operator's environment: one may become good, the other never."""
    for name, value in child_environment(gateway.settings).items():
        if name.startswith("PACELINE_"):
            monkeypatch.setenv(name, value)
    early, wrong = heart_rate(session_id=LATER_SESSION), heart_rate(heart_rate_bpm=400)
    assert gateway.post([early, wrong], HUB_TOKEN).status_code == 422
    wait_until(lambda: letter_of(gateway, early) and letter_of(gateway, wrong), "two dead letters")
    return early, wrong


def letter_of(gateway: RunningGateway, event: dict[str, object]) -> str:
    """The id of the first letter that holds this event."""
    letters = read_dead_letters(gateway.settings).values()
    return next((x.rejected.rejected_id for x in letters if str(event["event_id"]).encode() in x.rejected.payload), "")


def test_without_a_device_token_nothing_is_sent_and_it_says_what_is_missing(
    gateway: RunningGateway, refused: tuple[dict[str, object], dict[str, object]]
) -> None:
    wanted = letter_of(gateway, refused[0])
    result = CliRunner().invoke(build(), ["dead-letters", "retry", wanted])
    assert isinstance(result.exception, PacelineError)
    assert "needs a device token" in result.exception.problem
    assert "PACELINE_DEVICE_TOKEN" in result.exception.remedy
    assert read_dead_letters(gateway.settings)[wanted].state == "waiting"


def test_what_the_gateway_refused_goes_through_it_again(
    gateway: RunningGateway, refused: tuple[dict[str, object], dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    early, wrong = refused
    wanted = [letter_of(gateway, event) for event in refused]
    publish(gateway.settings, session_record(session_id=LATER_SESSION, class_id=78, class_name="Later", started_at_ms=now_ms()))
    monkeypatch.setenv("PACELINE_DEVICE_TOKEN", HUB_TOKEN)
    hub = {"Authorization": f"Bearer {HUB_TOKEN}"}
    wait_until(lambda: LATER_SESSION in gateway.client.get("/v1/sessions", headers=hub).text, "the session's news")
    result = CliRunner().invoke(build(), ["dead-letters", "retry", *wanted])
    assert result.exit_code == 0, result.output
    assert "Sent 2 again." in result.output
    assert f"Refused again: {wanted[1]}: invalid, Expected `int` <= 240" in result.output
    [message] = published(gateway.settings, str(early["event_id"]))
    assert (message["session_id"], message["key"]) == (LATER_SESSION, LATER_SESSION)
    assert message["received_time_ms"]
    assert published(gateway.settings, str(wrong["event_id"])) == []
    letters = read_dead_letters(gateway.settings)
    assert {letters[letter].state for letter in wanted} == {"retried"}
    again = [x for x in letters.values() if str(wrong["event_id"]).encode() in x.rejected.payload and x.state == "waiting"]
    assert len(again) == 1, "refused again, it is a letter of its own"
    nobody = session_record(session_id=LATER_SESSION, class_id=78, class_name="Later", started_at_ms=now_ms(), participants=())
    publish(gateway.settings, nobody)  # the later class must not claim the members of other tests
