"""The flow that Bytewax's documentation leads to, event by event: what flow `live` is compared with.

KafkaSource → map (JSON) → key_on (member) → stateful_map (rolling means, zones, TRIMP, an alert with hold and hysteresis) →
KafkaSink. It is spared much that flow `live` does: no checks of ranges, no rosters, no late values, no messages for the pages,
no minutes, no summaries; only alerts leave it. It ends at the log's end.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow

from infra.settings import Settings
from schemas.topics import DEVICE_EVENTS
from tests.bench.flow_scene import HIGH_BPM, PER_EVENT_ALERTS, ZONE_FLOORS

HOLD_S, CLEAR_S, HYSTERESIS_BPM = 10, 10, 5
Event = dict[str, Any]


@dataclass
class MemberState:
    """What one member's metrics need."""

    window: deque[tuple[int, int]] = field(default_factory=deque)
    last_ms: int = 0
    max_bpm: int = 0
    zone_s: list[float] = field(default_factory=lambda: [0.0] * 6)
    trimp: float = 0.0
    above_since: int | None = None
    below_since: int | None = None
    alerting: bool = False


def track(state: MemberState | None, event: Event) -> tuple[MemberState, tuple[str, Event] | None]:
    """Take one event in; the alert that begins or ends with it, if any."""
    state = state or MemberState()
    at_ms, bpm = event["event_time_ms"], event["heart_rate_bpm"]
    elapsed_s = min((at_ms - state.last_ms) / 1000, 10.0) if state.last_ms else 0.0
    state.last_ms = at_ms
    state.window.append((at_ms, bpm))
    while state.window[0][0] <= at_ms - 60_000:
        state.window.popleft()
    mean_60s = sum(value for _, value in state.window) / len(state.window)
    lately = [value for moment, value in state.window if moment > at_ms - 10_000]
    state.max_bpm = max(state.max_bpm, bpm)
    state.zone_s[sum(bpm >= floor for floor in ZONE_FLOORS)] += elapsed_s
    reserve = (bpm - 60) / 130
    state.trimp += elapsed_s / 60 * reserve * 0.86 * math.exp(1.67 * reserve)
    change = judge(state, at_ms, bpm)
    if change is None:
        return state, None
    means = {"mean_10s": sum(lately) / len(lately), "mean_60s": mean_60s, "trimp": state.trimp, "max_bpm": state.max_bpm}
    return state, (change, event | means)


def judge(state: MemberState, at_ms: int, bpm: int) -> str | None:
    """Raise after ten seconds above the limit, clear after ten well below."""
    if not state.alerting:
        state.above_since = (state.above_since or at_ms) if bpm > HIGH_BPM else None
        if state.above_since and at_ms - state.above_since >= HOLD_S * 1000:
            state.alerting, state.below_since = True, None
            return "active"
        return None
    state.below_since = (state.below_since or at_ms) if bpm <= HIGH_BPM - HYSTERESIS_BPM else None
    if state.below_since and at_ms - state.below_since >= CLEAR_S * 1000:
        state.alerting, state.above_since = False, None
        return "cleared"
    return None


def decode(message: KafkaSourceMessage) -> Event:
    event: Event = orjson.loads(message.value)
    return event


def to_message(item: tuple[str, tuple[str, Event] | None]) -> KafkaSinkMessage[bytes, bytes] | None:
    member_id, alert = item
    return None if alert is None else KafkaSinkMessage(member_id.encode(), orjson.dumps(alert))


def per_event_flow(settings: Settings, decode: Callable[[KafkaSourceMessage], Event] = decode) -> Dataflow:
    """Reads `device-events` from its first message."""
    flow = Dataflow("per_event")
    brokers = [settings.kafka_address]
    messages = op.input("kafka-in", flow, KafkaSource(brokers, [DEVICE_EVENTS.name], tail=False))
    events = op.map("decode", messages, decode)
    by_member = op.key_on("member", events, lambda event: str(event["member_id"]))
    tracked = op.stateful_map("metrics", by_member, track)
    op.output("kafka-out", op.filter_map("alerts", tracked, to_message), KafkaSink(brokers, PER_EVENT_ALERTS.name))
    return flow
