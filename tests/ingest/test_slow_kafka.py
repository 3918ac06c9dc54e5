"""Kafka stops for a while: senders are told to come again, and in the end everything is there once."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from infra.embedded.launch import Launch
from infra.kafka import ensure_topics
from infra.processes import embedded_kafka
from infra.settings import child_environment
from ingest.device_client import HttpUplink
from schemas.events import HeartRate
from schemas.topics import DEVICE_EVENTS
from tests.ingest.people import HUB_TOKEN, RunningGateway, heart_rate, now_ms, read_topic, running_gateway
from tests.running import answers, free_ports, running, settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers


@dataclass
class Broker:
    """A Kafka of this module's own, which may be stopped."""

    pid: int

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own() -> Iterator[tuple[Broker, RunningGateway]]:
    with temporary_home() as home:
        settings = settings_in(home, gateway_patience_s=0.5)
        kafka = embedded_kafka(settings)
        kafka.prepare()
        with running(kafka.launch(), kafka.ready, home / "kafka.log") as process:
            ensure_topics(settings)
            with running_gateway(settings) as gateway:
                yield Broker(process.pid), gateway


def test_a_gateway_that_starts_before_kafka_answers_says_so_and_serves_when_it_does(
    own: tuple[Broker, RunningGateway],
) -> None:
    broker, gateway = own
    settings = gateway.settings.model_copy(update={"gateway_port": free_ports(1)[0]})
    log = settings.home / "early.log"
    launch = Launch([sys.executable, "-m", "infra.cli", "gateway"], child_environment(settings), settings.home)
    with broker.standing_still():
        early = launch.start(log.open("wb"))
        try:
            wait_until(lambda: answers(f"{settings.gateway_url}/health"), "alive")
            with httpx.Client(base_url=settings.gateway_url, trust_env=False) as client:
                refused = client.post("/v1/events", json=[heart_rate()], headers={"Authorization": f"Bearer {HUB_TOKEN}"})
                assert (refused.status_code, refused.json()["reason"]) == (503, "starting")
                assert int(refused.headers["retry-after"]) >= 1
                assert client.get("/ready").status_code == 503
            with connect(settings.gateway_url.replace("http", "ws") + "/v1/stream", proxy=None) as hub:
                with pytest.raises(ConnectionClosed):
                    hub.recv(10)
                assert hub.close_code == 1013
        except BaseException:
            early.kill()
            raise
    try:
        wait_until(lambda: answers(f"{settings.gateway_url}/ready"), "ready once Kafka answers")
        waits = next(line for line in log.read_text().splitlines() if "gateway_waits_for_kafka" in line)
        assert "does not answer" in waits
        assert "PACELINE_KAFKA" in waits, "what to do"
    finally:
        early.send_signal(signal.SIGTERM)
        early.wait(15)


def once_each(gateway: RunningGateway, ids: list[str]) -> bool:
    counts = Counter(message["event_id"] for message in read_topic(gateway.settings, DEVICE_EVENTS))
    return all(counts[event_id] == 1 for event_id in ids)


def test_while_kafka_stands_still_the_door_answers_503_and_nothing_is_lost_or_doubled(
    own: tuple[Broker, RunningGateway],
) -> None:
    broker, gateway = own
    batch = [heart_rate() for _ in range(50)]
    with broker.standing_still():
        for _attempt in range(3):
            response = gateway.post(batch)
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) >= 1
            assert response.json()["unconfirmed"] == 50
        assert gateway.client.get("/health").status_code == 200
        assert gateway.client.get("/ready").status_code == 503
    wait_until(lambda: gateway.post(batch).status_code == 200, "taken again")
    answer = gateway.post(batch).json()
    assert (answer["accepted"], answer["doubled"]) == (0, 50)
    assert once_each(gateway, [event["event_id"] for event in batch])
    assert gateway.client.get("/ready").status_code == 200


def test_when_too_much_waits_the_door_refuses_at_once_and_keeps_its_memory(own: tuple[Broker, RunningGateway]) -> None:
    broker, gateway = own
    batches = [[heart_rate(member_id=1 + i % 10) for i in range(1_000)] for _ in range(24)]
    with broker.standing_still():
        with ThreadPoolExecutor(10) as senders:
            first = list(senders.map(lambda batch: gateway.post(batch, HUB_TOKEN), batches[:20]))
        started = time.monotonic()
        last = [gateway.post(batch, HUB_TOKEN) for batch in batches[20:]]
        waited_s = time.monotonic() - started
    assert {response.status_code for response in first + last} == {503}
    assert [response.json().get("reason") for response in last] == ["slow_down"] * 4, "refused before anything is taken"
    assert waited_s < 4 * gateway.settings.gateway_patience_s, "at once"
    for batch in batches:
        wait_until(lambda batch=batch: gateway.post(batch, HUB_TOKEN).status_code == 200, "taken")
    assert once_each(gateway, [event["event_id"] for batch in batches for event in batch])


async def test_a_device_that_follows_the_answers_delivers_everything_through_an_outage(
    own: tuple[Broker, RunningGateway],
) -> None:
    broker, gateway = own
    events = [
        HeartRate(event_id=f"outage-{i:05}", member_id=1 + i % 10, device_id="s", event_time_ms=now_ms(), heart_rate_bpm=140)
        for i in range(2_500)
    ]
    uplink = HttpUplink(gateway.settings.gateway_url, HUB_TOKEN, random.Random(1))
    with broker.standing_still():
        timer = threading.Timer(2.5, os.kill, (broker.pid, signal.SIGCONT))
        timer.start()
        await uplink.send(events)
        timer.join()
    await uplink.close()
    assert uplink.totals.resent > 0
    assert uplink.totals.accepted + uplink.totals.doubled == 2_500
    assert once_each(gateway, [event.event_id for event in events])
    assert "paceline_publish_in_flight 0.0" in gateway.client.get("/metrics").text
