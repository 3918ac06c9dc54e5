"""What anybody who can reach Kafka may put on a topic: messages that are none of ours, which every reader survives."""

import json
import random
from typing import Any

from schemas.topics import ALERTS, APP_EVENTS, DEAD_LETTERS, DEVICE_EVENTS, DIRECTORY, LIVE, LIVE_MESSAGES, TOPICS, Topic

SESSION = "0b0e7a1c-0000-4000-8000-00000000dead"
HUGE = 10**30
TYPE = {DIRECTORY: "kind"}
TAG = {
    DEVICE_EVENTS: "heart_rate",
    APP_EVENTS: "note_added",
    LIVE: "metrics_update",
    ALERTS: "alert",
    DIRECTORY: "session",
    LIVE_MESSAGES: "message",
    DEAD_LETTERS: "rejected",
}
ALERT: dict[str, Any] = {
    "type": "alert",
    "alert_id": "foreign-alert-1",
    "version": 1,
    "session_id": SESSION,
    "class_id": None,
    "member_id": 1,
    "member_name": "Nobody",
    "rule": "lost_signal",
    "state": "active",
    "timestamp": "2026-01-01T00:00:00Z",
    "raised_at_ms": 1_790_000_000_000,
    "updated_at_ms": 1_790_000_000_000,
    "alert": {"severity": "info", "message": "", "metric": "", "current": None, "threshold": None},
}
CLASS_METRICS: dict[str, Any] = {
    "expected": 1,
    "active_members": 1,
    "attended": 1,
    "attendance_rate": 1.0,
    "avg_heart_rate_bpm": None,
    "avg_intensity": None,
    "avg_intensity_60s": None,
    "intensity_distribution": {},
    "zone_counts": [0, 0, 0, 0, 0, 0],
}
UPDATE: dict[str, Any] = {
    "type": "metrics_update",
    "session_id": SESSION,
    "class_id": None,
    "sequence": 1,
    "kind": "key",
    "event_time_ms": 1_790_000_000_000,
    "received_time_ms": 1_790_000_000_000,
    "session_state": "active",
    "rows": [0],
    "members": [1],
    "names": ["Nobody"],
    "columns": {"heart_rate_bpm": [100]},
    "class_metrics": CLASS_METRICS,
}
PERSON: dict[str, Any] = {"member_id": 1, "name": "Nobody", "heart_rate_zone_floors_bpm": [95, 114, 133, 152, 171]}
RECORD: dict[str, Any] = {
    "kind": "session",
    "session_id": SESSION,
    "class_name": "x",
    "class_type": "x",
    "started_at_ms": 1_790_000_000_000,
    "participants": [PERSON],
}
NOTE: dict[str, Any] = {
    "type": "note_added",
    "event_id": "foreign-note-1",
    "session_id": SESSION,
    "event_time_ms": 1_790_000_000_000,
    "text": "x",
}
OF_THE_RIGHT_TYPE: dict[Topic, dict[str, Any]] = {
    ALERTS: {
        "an endless version": ALERT | {"version": HUGE},
        "a negative version": ALERT | {"version": -1},
        "an endless repetition": ALERT | {"repeated": HUGE},
    },
    APP_EVENTS: {"an actor beyond 64 bits": NOTE | {"actor_id": HUGE}},
    LIVE: {
        "fewer values than rows": UPDATE | {"columns": {"heart_rate_bpm": []}},
        "more names than members": UPDATE | {"names": ["a", "b"]},
        "rows of nobody": UPDATE | {"rows": [5]},
    },
    DIRECTORY: {
        "endless zones": RECORD | {"participants": [PERSON | {"heart_rate_zone_floors_bpm": [HUGE] * 5}]},
        "an endless limit": RECORD | {"participants": [PERSON | {"limits": {"heart_rate_high_bpm": 40_000}}]},
        "a pace of nothing": RECORD | {"participants": [PERSON | {"limits": {"pace_target_s_per_km": 0}}]},
        "a trainer beyond 64 bits": RECORD | {"trainer_id": HUGE},
        "an endless segment": RECORD | {"segments": [{"name": "x", "duration_s": HUGE}]},
    },
}


def payloads(topic: Topic) -> dict[str, bytes | None]:
    """Name → message. None of them may be taken for one of ours by a reader of that topic."""
    kind, tag = TYPE.get(topic, "type").encode(), TAG[topic].encode()
    opening = b'{"' + kind + b'":"' + tag + b'"'
    noise = random.Random(7).randbytes(1_000_000)  # a seed: the same bytes every time, which no compression makes smaller
    general: dict[str, bytes | None] = {
        "a tombstone": None,
        "nothing": b"",
        "no UTF-8": b"\xff\xfe\x00\x81",
        "no UTF-8 in a field's name": opening + b',"\xff":1}',
        "no UTF-8 in its type": b'{"' + kind + b'":"\xff"}',
        "an unknown type": b'{"' + kind + b'":"from_the_future","schema_version":99}',
        "no type": b"{}",
        "no fields": opening + b"}",
        "a list": b"[]",
        "a number without end": b"1" * 5_000,
        "nesting without end": opening + b',"x":' + b"[" * 50_000,
        "half of a message": opening + b',"session_id":"0b0e',
        "noise as large as the topic takes": noise,
    }
    wrong = {field: b'{"' + kind + b'":"' + tag + b'","session_id":' + value + b"}" for field, value in WRONG.items()}
    typed = {name: json.dumps(message).encode() for name, message in OF_THE_RIGHT_TYPE.get(topic, {}).items()}
    return general | wrong | typed


WRONG = {"a session that is a number": b"5", "a session that is null": b"null", "a session that is an object": b'{"a":[]}'}
READ_BY_THE_HUB = (LIVE, ALERTS, APP_EVENTS, LIVE_MESSAGES)
assert set(TAG) == set(TOPICS)
