"""The short way to `POST /v1/events` answers as the application behind it does."""

from typing import Any

import pytest

from tests.ingest.people import HUB_TOKEN, RunningGateway, heart_rate

pytestmark = pytest.mark.servers

BEARER = {"Authorization": f"Bearer {HUB_TOKEN}"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"[]", BEARER | JSON, 200),
        (b"[]", JSON, 401),
        (b"[]", BEARER | {"Content-Type": "text/plain"}, 415),
        (b"no json", BEARER | JSON, 422),
        (b"[" + b"1," * 1_000 + b"1]", BEARER | JSON, 413),
    ],
    ids=["taken", "no token", "another type", "malformed", "too many"],
)
def test_both_ways_answer_alike(gateway: RunningGateway, content: bytes, headers: dict[str, str], status: int) -> None:
    short, long = (
        gateway.client.post(path, content=content, headers=headers) for path in ("/v1/events", "/v1/events?history=false")
    )
    assert short.status_code == status
    assert _shown(short) == _shown(long)


def test_an_event_sent_both_ways_counts_once(gateway: RunningGateway) -> None:
    event = heart_rate()
    answers = [
        gateway.client.post(path, json=[event], headers=BEARER).json() for path in ("/v1/events", "/v1/events?history=false")
    ]
    assert [(answer["accepted"], answer["doubled"]) for answer in answers] == [(1, 0), (0, 1)]


def test_other_methods_are_told_what_is_allowed(gateway: RunningGateway) -> None:
    assert gateway.client.get("/v1/events").status_code == 405


def _shown(answer: Any) -> tuple[int, Any, str | None]:
    return answer.status_code, answer.json(), answer.headers.get("content-type")
