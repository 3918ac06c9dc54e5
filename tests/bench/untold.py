"""Alerts that had to come and that no screen was told: what the rules, the log and the warehouse say of each.

So a missing alert names its culprit: not due by the rules over what the log holds means that the load did not send what it
meant to; due and not on the topic, the flow; on the topic and on no screen, the hub.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec
from confluent_kafka import Message

from infra.directory import DirectoryReader
from infra.kafka import open_consumer, read_to_end
from infra.settings import Settings
from pipelines.steps.shard import LiveShard
from schemas.alerts import AlertRule, told_alert
from schemas.directory import SessionRecord
from schemas.events import Reading, reading_decoder
from schemas.topics import ALERTS, DEVICE_EVENTS, Topic, session_key
from tests.bench.house import House

RULE: AlertRule = "heart_rate_high"


class Untold(msgspec.Struct, frozen=True):
    """One alert that no trainer's screen was told."""

    member_id: int
    session_id: str
    climbed_ms: int
    """Event time of the climb's first value."""
    due_ms: int | None
    """When the rules raise it, read one by one over what Kafka holds; none: never."""
    on_topic: bool
    in_warehouse: bool

    def __str__(self) -> str:
        due = "not due by the rules" if self.due_ms is None else f"due {_clock(self.due_ms)}"
        topic, warehouse = ("on" if self.on_topic else "not on"), ("in" if self.in_warehouse else "not in")
        who = f"member {self.member_id} of {self.session_id[:8]}, climbing from {_clock(self.climbed_ms)}"
        return f"{who}: {due}, {topic} the topic, {warehouse} the warehouse"


def explain(house: House, climbed_ms: Mapping[int, int], session_of: Mapping[int, str]) -> list[Untold]:
    """For each of these members, by the event time at which their climb began."""
    if not climbed_ms:
        return []
    due_ms = _due_by_the_rules(house.settings, {member: session_of[member] for member in climbed_ms})
    on_topic, in_warehouse = _on_topic(house.settings), _in_warehouse(house)
    return [
        Untold(member, session_of[member], at_ms, due_ms.get(member), member in on_topic, member in in_warehouse)
        for member, at_ms in sorted(climbed_ms.items())
    ]


def _due_by_the_rules(settings: Settings, session_of: Mapping[int, str]) -> dict[int, int]:
    readings: dict[int, list[Reading]] = defaultdict(list)
    keys = {session_key(session_id) for session_id in session_of.values()}
    for message in _messages(settings, DEVICE_EVENTS):
        if message.key() in keys:
            reading = reading_decoder.decode(message.value() or b"")
            if reading.member_id in session_of:
                readings[reading.member_id].append(reading)
    sessions = _sessions(settings)
    found = {member: first_alert_ms(sessions[session_of[member]], theirs) for member, theirs in readings.items()}
    return {member: at_ms for member, at_ms in found.items() if at_ms is not None}


def first_alert_ms(session: SessionRecord, readings: list[Reading]) -> int | None:
    """When the rules over these readings, in this order, first say that the heart rate is too high."""
    shard = LiveShard.restore(None)
    shard.put_session(session)
    for reading in readings:
        shard.readings([reading])
        for alert in shard.take_alerts():
            if alert.rule == RULE:
                return alert.raised_at_ms
    return None


def _sessions(settings: Settings) -> dict[str, SessionRecord]:
    reader = DirectoryReader(settings)
    try:
        return dict(reader.directory.sessions)
    finally:
        reader.close()


def _on_topic(settings: Settings) -> set[int | None]:
    alerts = (told_alert(message.value() or b"") for message in _messages(settings, ALERTS))
    return {alert.member_id for alert in alerts if alert.rule == RULE}


def _in_warehouse(house: House) -> set[int]:
    return {int(member) for (member,) in house.rows(f"SELECT DISTINCT member_id FROM v_alerts WHERE rule = '{RULE}'")}


def _messages(settings: Settings, topic: Topic) -> Iterator[Message]:
    consumer = open_consumer(settings)
    try:
        yield from read_to_end(consumer, topic)
    finally:
        consumer.close()


def _clock(at_ms: int) -> str:
    return datetime.datetime.fromtimestamp(at_ms / 1_000, datetime.UTC).strftime("%H:%M:%S.%f")[:-3]
