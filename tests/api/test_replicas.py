"""A second API process, or one that starts while a class runs, knows all that the first one knows."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from infra.settings import Settings
from infra.warehouse import open_client
from tests.api.running_api import RunningApi, running_api
from tests.push.gym import Desk
from tests.push.samples import alert, keyframe
from tests.running import wait_until

pytestmark = pytest.mark.servers
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def flow(servers: Settings) -> Desk:
    """Writes to Kafka what the live flow would write."""
    return Desk(servers)


@pytest.fixture
def running(api: RunningApi) -> Iterator[str]:
    """A class that has run for ten minutes."""
    api.clock.forward(-600)
    class_id = api.new_class()
    session_id = api.start(class_id)
    api.clock.forward(600)
    yield session_id
    api.end(class_id)


@pytest.fixture
def second(api: RunningApi, running: str, flow: Desk) -> Iterator[RunningApi]:
    """Another process, started after the class had alerts, events and metrics, and after the first had seen them."""
    members = [member["id"] for member in api.club["members"][:3]]
    now_ms = api.services.clock()
    rates = {"state": ["live"] * 3, "heart_rate_bpm": [120, 130, 140]}
    people = tuple(member["name"] for member in api.club["members"][:3])
    update = keyframe(1, rates, session_id=running, members=tuple(members), names=people, event_time_ms=now_ms)
    for message in (alert(1, members[0], running), alert(1, members[0], running, version=2, state="cleared"), update):
        flow.put(message)
    flow.put(alert(2, members[1], running))
    flow.flush()
    wait_until(lambda: len(_shown(api, running, "alerts")["alerts"]) == 2, "the first has read the alerts")
    trainer = api.as_("trainer")
    trainer.post(f"/api/v1/sessions/{running}/markers", json={"marker_type": "lap"})
    trainer.post("/api/v1/alerts/alert-00000002/acknowledge", json={"session_id": running})
    wait_until(lambda: len(_shown(api, running, "events")["events"]) == 3, "the first has read everything")
    with running_api(api.settings, club=api.club) as other:
        yield other


def _shown(api: RunningApi, session_id: str, what: str) -> Any:
    return api.as_("trainer").get(f"/api/v1/sessions/{session_id}/{what}").json()


def test_a_process_that_starts_during_a_class_shows_what_the_other_shows(
    api: RunningApi, second: RunningApi, running: str
) -> None:
    for what in ("alerts", "events"):
        assert _shown(second, running, what) == _shown(api, running, what)
    assert [(a["alert_id"], a["state"]) for a in _shown(second, running, "alerts")["alerts"]] == [
        ("alert-00000002", "active"),
        ("alert-00000001", "cleared"),
    ]
    class_id = second.as_("trainer").get(f"/api/v1/live/sessions/{running}").json()["session"]["class_id"]
    one, other = (a.as_("trainer").get(f"/api/v1/classes/{class_id}/snapshot").json() for a in (api, second))
    assert other["metrics"] == one["metrics"]
    assert len(other["metrics"]["member_metrics"]) == 3
    assert [insight["insight_id"] for insight in other["insights"]] == ["alert-00000002"]
    states = [a.as_("trainer").get(f"/api/v1/live/sessions/{running}/state").json() for a in (api, second)]
    streams = [{name: at for name, at in s["channels"].items() if not name.startswith("metrics")} for s in states]
    assert streams[0] == streams[1], "positions hold at every replica"


def test_what_one_does_the_other_shows_and_it_is_done_once(api: RunningApi, second: RunningApi, running: str) -> None:
    key = {"Idempotency-Key": f"both-{running}"}
    address = f"/api/v1/sessions/{running}/markers"
    answers = [a.as_("trainer").post(address, json={"marker_type": "end"}, headers=key).json() for a in (api, second)]
    assert answers[0] == answers[1]
    wait_until(lambda: len(_shown(api, running, "events")["events"]) == 4, "the first shows it")
    wait_until(lambda: _shown(second, running, "events") == _shown(api, running, "events"), "the second shows the same")


def test_intensity_before_the_restart_comes_from_the_minutes(
    api: RunningApi, second: RunningApi, running: str, flow: Desk
) -> None:
    now_ms = api.services.clock()
    started_ms = now_ms - 600_000
    rows = [
        [UUID(running), 1, member, started_ms // 1000 + 60 * minute, 4.0 + minute, 1]
        for minute in range(10)
        for member in (1, 2)
    ]
    with open_client(api.settings, "writer") as client:
        names = ["session_id", "class_id", "member_id", "minute", "intensity", "version"]
        client.insert("member_minutes", rows, column_names=names)
    points = _shown(second, running, "intensity")["points"]
    assert [value for _at, value in points][:9] == [4.0 + minute for minute in range(9)]
    times = [at for at, _value in points]
    assert times == sorted(set(times))
    assert times[0] == (started_ms // 1000 + 60) * 1000
    member = second.as_("member").get(f"/api/v1/sessions/{running}/intensity").json()["points"]
    assert member == [], "two members' mean would tell one what the other did"
