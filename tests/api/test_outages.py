"""What people meet while Kafka is away: the API says so, takes what it can, and loses nothing."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import orjson
import pytest
from websockets.sync.client import connect

from infra.embedded.kafka import EmbeddedKafka
from infra.kafka import ensure_topics
from infra.settings import Settings
from tests.api.running_api import RunningApi, own_database, running_api
from tests.running import PLAIN, running, settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def own_kafka(postgres_only: Settings, warehouse_only: Settings) -> Iterator[Settings]:
    """Settings of the shared PostgreSQL and warehouse, and of a Kafka that does not run yet."""
    assert postgres_only is warehouse_only
    with temporary_home() as home:
        yield own_database(postgres_only, "outage_test").model_copy(update={"kafka_port": settings_in(home).kafka_port})


def _kafka(stack: ExitStack, settings: Settings) -> None:
    folder = settings.home / "kafka-of-the-outage"
    folder.mkdir(exist_ok=True)
    kafka = EmbeddedKafka(folder, settings.kafka_port, java_options=settings.kafka_java_options)
    kafka.prepare()
    stack.enter_context(running(kafka.launch(), kafka.ready, folder / "kafka.log"))
    ensure_topics(settings)


def _checks(api: RunningApi) -> tuple[int, dict[str, bool]]:
    answer = httpx.get(f"{api.url}/ready", timeout=5, verify=PLAIN)
    return answer.status_code, answer.json()["checks"]


def _mark(api: RunningApi, session_id: str, label: str) -> None:
    marker = {"marker_type": "lap", "label": label}
    assert api.as_("trainer").post(f"/api/v1/sessions/{session_id}/markers", json=marker).status_code == 202


def _labels(api: RunningApi, session_id: str) -> list[str]:
    events: list[dict[str, Any]] = api.as_("trainer").get(f"/api/v1/sessions/{session_id}/events").json()["events"]
    return [event["label"] for event in events if event["type"] == "marker_added"]


def test_while_kafka_is_away_the_api_serves_says_so_and_publishes_afterwards(own_kafka: Settings) -> None:
    with running_api(own_kafka, members=3, wait=False) as api, ExitStack() as first, ExitStack() as second:
        assert httpx.get(f"{api.url}/health").status_code == 200
        status, checks = _checks(api)
        assert (status, checks) == (503, checks | {"hub": False, "kafka": False, "postgres": True, "warehouse": True})
        class_id = api.new_class()
        session_id = api.start(class_id)
        _mark(api, session_id, "before Kafka came")
        with connect(f"{api.url.replace('http', 'ws')}/api/v1/live/ws") as socket:
            bye = orjson.loads(socket.recv(5))
        assert (bye["type"], bye["code"], bye["reconnect"]) == ("bye", 4410, True)

        _kafka(first, own_kafka)
        wait_until(lambda: _checks(api)[0] == 200, "ready once Kafka is there")
        wait_until(lambda: _labels(api, session_id) == ["before Kafka came"], "what was owed is published")

        first.close()
        wait_until(lambda: not _checks(api)[1]["hub"], "the hub says that it hears nothing")
        _mark(api, session_id, "while Kafka was away")
        assert api.as_("trainer").get("/api/v1/classes").status_code == 200
        assert _labels(api, session_id) == ["before Kafka came"], "what was known is still shown"

        _kafka(second, own_kafka)
        wait_until(lambda: _checks(api)[0] == 200, "ready again")
        wanted = ["before Kafka came", "while Kafka was away"]
        wait_until(lambda: _labels(api, session_id) == wanted, "nothing was lost")
        api.end(class_id)
