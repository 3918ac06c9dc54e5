"""A gym for the flow benchmarks: classes of forty members with straps, their events on Kafka as the gateway publishes them."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import numpy as np
from confluent_kafka import Producer

from infra.clock import system_clock
from infra.kafka import ensure_topics, open_producer
from infra.settings import Settings, child_environment
from schemas.directory import Limits, Participant, SessionRecord, directory_key
from schemas.events import HeartRate
from schemas.topics import DAY_MS, DEVICE_EVENTS, DIRECTORY, SESSION_PARTITIONS, Topic
from tests.running import ROOT, Servers, free_ports, settings_in, temporary_home

CLASS_SIZE = 40
ZONE_FLOORS = (95, 114, 133, 152, 171)
HIGH_BPM = 180
SPRINT_EVERY = 50
"""One member in so many goes over the limit now and then."""
PER_EVENT_ALERTS = Topic("per-event-alerts", "alerts of the flow that is compared with", "member", SESSION_PARTITIONS, DAY_MS)
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Gym:
    """Classes that all began at one moment."""

    sessions: tuple[SessionRecord, ...]
    started_ms: int

    @property
    def members(self) -> int:
        return sum(len(session.participants) for session in self.sessions)


def gym(members: int, started_ms: int, seed: int = 1) -> Gym:
    """So many members in classes of at most forty."""
    random = Random(seed)
    sessions = []
    for begin in range(0, members, CLASS_SIZE):
        people = tuple(_participant(number + 1) for number in range(begin, min(begin + CLASS_SIZE, members)))
        session_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
        sessions.append(
            SessionRecord(
                session_id=session_id,
                class_id=begin // CLASS_SIZE + 1,
                class_name="Spin",
                class_type="spin",
                started_at_ms=started_ms,
                participants=people,
            )
        )
    return Gym(tuple(sessions), started_ms)


def _participant(member_id: int) -> Participant:
    return Participant(
        member_id=member_id,
        name=f"Member {member_id}",
        sex="female",
        age_years=18 + member_id * 7 % 50,
        mass_kg=45 + member_id * 13 % 600 / 10,
        max_heart_rate_bpm=182 + member_id % 20,
        resting_heart_rate_bpm=48 + member_id * 3 % 30,
        ftp_watts=120 + member_id * 11 % 200,
        heart_rate_zone_floors_bpm=ZONE_FLOORS,
        limits=Limits(heart_rate_high_bpm=HIGH_BPM),
    )


def heart_rates(second: int, members: int, random: np.random.Generator) -> list[int]:
    """Of every member in that second: a wave of some minutes with noise; sprinters are over the limit a third of the time."""
    number = np.arange(members)
    bpm = 130 + 25 * np.sin(second / 45 + number) + random.normal(0, 2, members)
    sprinting = (number % SPRINT_EVERY == 0) & ((second + number) % 90 < 30)
    return np.where(sprinting, 190, np.clip(bpm, 60, 175)).astype(int).tolist()


def events_of(gym: Gym, second: int, random: np.random.Generator, latency_ms: int = 40) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of everybody's heart rate in that second, as the gateway writes them."""
    rates = iter(heart_rates(second, gym.members, random))
    ids = random.bytes(16 * gym.members)
    at = 0
    for session in gym.sessions:
        key = session.session_id.encode()
        for member in session.participants:
            at_ms = gym.started_ms + second * 1000 + member.member_id * 37 % 1000
            event = HeartRate(
                event_id=str(uuid.UUID(bytes=ids[at : at + 16])),
                member_id=member.member_id,
                session_id=session.session_id,
                device_id=f"strap-{member.member_id}",
                event_time_ms=at_ms,
                received_time_ms=at_ms + latency_ms,
                heart_rate_bpm=next(rates),
            )
            at += 16
            yield key, encode(event)


@contextmanager
def kafka_and_warehouse() -> Iterator[Settings]:
    """Servers of a benchmark's own."""
    with temporary_home() as home:
        servers = Servers(settings_in(home))
        try:
            servers.start(servers.kafka, servers.warehouse)
            yield servers.settings
        finally:
            servers.stop()


def publish(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    """Produce, and wait while the client's queue is full."""
    while True:
        try:
            producer.produce(topic, value, key=key)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def open_classes(settings: Settings, gym: Gym) -> None:
    """Put the sessions into the directory, and make the topic that the other flow writes its alerts to."""
    ensure_topics(settings, (PER_EVENT_ALERTS,))
    producer = open_producer(settings)
    for session in gym.sessions:
        publish(producer, DIRECTORY.name, directory_key(session), encode(session))
    assert producer.flush(30) == 0
    producer.close()


def fill(settings: Settings, gym: Gym, seconds: int) -> int:
    """Publish so many seconds of everybody; returns how many events that are."""
    producer, random = open_producer(settings), np.random.default_rng(1)
    for second in range(seconds):
        for key, value in events_of(gym, second, random):
            publish(producer, DEVICE_EVENTS.name, key, value)
        producer.poll(0)
    assert producer.flush(60) == 0
    producer.close()
    return seconds * gym.members


def began(seconds_ago: int) -> int:
    """A class's start so long ago, on a whole second."""
    return (system_clock() // 1000 - seconds_ago) * 1000


@contextmanager
def memory_of_its_own(settings: Settings) -> Iterator[Settings]:
    """Settings of a flow that uses the same servers, but has a home and a metrics port of its own."""
    with temporary_home() as home:
        shutil.copytree(settings.home / "secrets", home / "secrets")
        (port,) = free_ports(1)
        yield settings.model_copy(update={"home": home, "kafka": settings.kafka_address, "metrics_port": port})


def start_child(settings: Settings, *arguments: object) -> subprocess.Popen[str]:
    """`tests.bench.flow_child`; its last line will be its answer."""
    environment = child_environment(settings) | {"PACELINE_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "tests.bench.flow_child", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def answer(child: subprocess.Popen[str], timeout_s: float = 300) -> dict[str, Any]:
    """What the child says at its end."""
    try:
        output, _ = child.communicate(timeout=timeout_s)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0, f"{child.args} ended with {child.returncode}"
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found
