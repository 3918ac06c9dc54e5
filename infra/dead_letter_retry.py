"""Sending dead letters again, each the way it came: to its topic, or through the gateway that refused it.

What the gateway refused carries no session, no received time and no key. Published as it is, the flows would refuse it too.
"""

import time
from collections.abc import Callable, Sequence

import httpx
import msgspec
from confluent_kafka import Message, Producer

from infra.clock import Clock
from infra.dead_letters import GATEWAY, DeadLetter
from infra.errors import PacelineError, Unavailable
from infra.kafka import open_producer
from infra.settings import Settings
from schemas.rejected import Rejected, Retried
from schemas.topics import DEAD_LETTERS

PATIENCE_S = 30.0
encode = msgspec.json.Encoder().encode
Note = Callable[[Rejected], None]


class _Refusal(msgspec.Struct):
    reason: str = ""
    detail: str = ""


class _Answer(_Refusal):
    """What the gateway says: of each event, or of the request as a whole."""

    rejected: list[_Refusal] = []


def retry(settings: Settings, letters: Sequence[DeadLetter], clock: Clock) -> list[str]:
    """Send payloads again and note each on the topic; answers why the gateway refused some of them once more.

    Those, like what a flow refuses again, come back as new letters. Raises PacelineError before anything is sent when some
    are the gateway's and there is no device token, and Unavailable when gateway or Kafka do not answer within 30 s; letters
    without a note then still count as waiting.
    """
    refused_at_door = [letter.rejected for letter in letters if letter.rejected.stage == GATEWAY]
    if refused_at_door and not settings.device_token.get_secret_value():
        raise PacelineError(
            f"The gateway refused {len(refused_at_door)} of these letters; to send them through it again needs a device token",
            "Set PACELINE_DEVICE_TOKEN to a hub's token; `paceline devices` makes one.",
        )
    producer = open_producer(settings)

    def note(rejected: Rejected) -> None:
        value = encode(Retried(rejected_id=rejected.rejected_id, retried_at_ms=clock()))
        producer.produce(DEAD_LETTERS.name, value, key=rejected.stage.encode())

    _publish(producer, [letter.rejected for letter in letters if letter.rejected.stage != GATEWAY], note)
    try:
        return _through_the_gateway(settings, refused_at_door, note)
    finally:
        _flush(producer)


def _publish(producer: Producer, refused: Sequence[Rejected], note: Note) -> None:
    """To the topics from which flows read them, under their keys; noted when Kafka has them."""
    for rejected in refused:

        def noted(fault: object, _message: Message, rejected: Rejected = rejected) -> None:
            if fault is None:
                note(rejected)

        producer.produce(rejected.topic, rejected.payload, key=rejected.key or None, on_delivery=noted)
    _flush(producer)


def _flush(producer: Producer) -> None:
    if producer.flush(PATIENCE_S):
        raise Unavailable("Kafka did not acknowledge all retried messages", "Look at the list and retry the waiting ones.")


def _through_the_gateway(settings: Settings, refused: Sequence[Rejected], note: Note) -> list[str]:
    again: list[str] = []
    headers = {"Authorization": f"Bearer {settings.device_token.get_secret_value()}", "Content-Type": "application/json"}
    with httpx.Client(base_url=settings.gateway_url, headers=headers, timeout=PATIENCE_S, trust_env=False) as client:
        for rejected in refused:
            found = _post(client, rejected.payload)
            note(rejected)
            again += [f"{rejected.rejected_id}: {why.reason}, {why.detail}" for why in found]
    return again


def _post(client: httpx.Client, payload: bytes) -> list[_Refusal]:
    """Why it was refused again; empty when it was taken."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = client.post("/v1/events", content=payload)
        except httpx.TransportError as failure:
            raise Unavailable(f"The gateway at {client.base_url} does not answer: {failure}", "Is it running?") from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise PacelineError("The gateway does not know the device token", "Set PACELINE_DEVICE_TOKEN to a valid one.")
        if answer.status_code not in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
            said = msgspec.json.decode(answer.content, type=_Answer)
            return said.rejected or ([said] if said.reason else [])
        wait_s = float(answer.headers.get("retry-after", 1))
        if time.monotonic() + wait_s > deadline_s:
            raise Unavailable(f"The gateway is too busy: {answer.text}", "Retry the waiting letters later.")
        time.sleep(wait_s)  # as the gateway asks
