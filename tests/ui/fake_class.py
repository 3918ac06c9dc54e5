"""A class as the pages' fake API plays it: people with hearts, alerts, events; scripted, the same every time."""

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

Json = dict[str, Any]
FIRST = (
    "Anna", "Bartosz", "Chloé", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi", "Ines", "Jakub",
    "Katarzyna", "Liam", "Maja", "Noah", "Olga", "Paweł", "Quentin", "Rosa", "Sipho", "Tomasz",
)  # fmt: skip
LAST = ("Kowalska", "Lindqvist", "Müller-Hohenstein", "Nowak", "Okafor", "Świątek", "Tanaka", "Wiśniewski")
FLOORS = [95, 114, 133, 152, 171]
STALE_MS = 5_000
LEFT_MS = 180_000
PLAN = [("Warm-up", 480), ("Intervals", 1_260), ("Hill climb", 600), ("Cool-down", 360)]
SESSION_ID = str(UUID(int=0x5EED_0001_4000_8000_0000_0000_0000_0001))
RUN_BEFORE_MS = 1_320_000


def names(count: int) -> list[str]:
    """So many different full names."""
    return [f"{FIRST[i % len(FIRST)]} {LAST[(i + i // len(FIRST)) % len(LAST)]}" for i in range(count)]


def zone_of(bpm: float) -> int:
    return sum(bpm >= floor for floor in FLOORS)


@dataclass
class Person:
    """A member with a strap, a bike, both or neither."""

    member_id: int
    name: str
    strap: bool = True
    bike: bool = False
    silent_since_ms: int | None = None
    left: bool = False
    wave_bpm: float = 9
    zone_s: list[float] = field(default_factory=lambda: [40.0, 150.0, 260.0, 420.0, 330.0, 120.0])

    def bpm_at(self, now_ms: int) -> int:
        base = 92 + (self.member_id * 37) % 88
        wave = math.sin(now_ms / 19_000 + self.member_id) + 0.2 * math.sin(now_ms / 2_300 + self.member_id * 2)
        return round(base + self.wave_bpm * wave)

    def row(self, now_ms: int) -> Json:
        """All columns of this member now."""
        at_ms = self.silent_since_ms or now_ms - now_ms % 1_000
        if not self.strap:
            return {"state": "no_strap"}
        age_ms = now_ms - at_ms
        state = "left" if self.left or age_ms > LEFT_MS else "stale" if age_ms > STALE_MS else "live"
        bpm = self.bpm_at(at_ms)
        row: Json = {
            "state": state,
            "heart_rate_bpm": bpm,
            "heart_rate_at_ms": at_ms,
            "heart_rate_10s_bpm": self.bpm_at(at_ms - 5_000),
            "heart_rate_60s_bpm": sum(self.bpm_at(at_ms - s * 1_000) for s in range(0, 60, 6)) / 10,
            "heart_rate_avg_bpm": bpm - 4.2,
            "heart_rate_max_bpm": bpm + 14,
            "zone": zone_of(bpm),
            "zone_s": self.zone_s,
            "intensity": round((bpm - 60) / 13, 2),
            "intensity_60s": round((bpm - 58) / 13, 2),
            "effort_points": 41.5 + self.member_id % 30,
            "trimp": 38.0 + self.member_id % 40,
            "energy_kcal": 212.0 + self.member_id * 3,
            "rmssd_ms": 18.0 + self.member_id % 20,
        }
        if self.bike:
            row |= {"power_watts": 120 + bpm % 90, "power_at_ms": at_ms, "power_avg_watts": 168.0}
            row |= {"cadence_rpm": 74 + bpm % 25, "cadence_at_ms": at_ms}
        return row


class FakeClass:
    """One class with its session; what happens in it is told to `publish` by the server that serves it."""

    def __init__(self, members: int, now_ms: int) -> None:
        self.people = [Person(101 + i, name, bike=i % 3 == 0) for i, name in enumerate(names(members))]
        self.session_id = SESSION_ID
        self.state: str | None = "active"
        self.started_at_ms = now_ms - RUN_BEFORE_MS
        self.ended_at_ms: int | None = None
        self.alerts: dict[str, Json] = {}
        self.events: list[Json] = []
        self.messages: list[Json] = []
        self.note("session_started", self.started_at_ms)
        self.note("marker_added", self.started_at_ms + 480_000, marker_type="warmup_end", label="Warm-up end")

    def note(self, kind: str, at_ms: int, **more: Any) -> Json:
        event = {"type": kind, "event_id": str(uuid4()), "event_time_ms": at_ms, "actor_id": 3, "member_id": None, **more}
        self.events.append(event)
        return event

    def said(self, sender_id: int, name: str, role: str, to: int | None, text: str) -> Json:
        """A message between trainer and members, as the API shows it."""
        message = {"id": str(uuid4()), "from": str(sender_id), "from_name": name, "from_role": role, "text": text}
        addressed = {**message, "to": None if to is None else str(to)}
        said = {"session_id": self.session_id, "timestamp": iso(round(time.time() * 1_000)), "message": addressed}
        self.messages.append(said)
        return said

    def person(self, member_id: int) -> Person:
        return next(person for person in self.people if person.member_id == member_id)

    # What the API shows

    def line(self) -> Json:
        running = self.state in {"active", "paused"}
        session = {"session_id": self.session_id, "state": self.state, "started_at_ms": self.started_at_ms}
        return {
            "id": 7,
            "name": "Evening Spin",
            "class_type": "spinning",
            "trainer": {"id": 3, "name": "Tara Trainer"},
            "starts_at": iso(self.started_at_ms),
            "planned_duration_s": 2_700,
            "segments": [{"name": name, "duration_s": seconds} for name, seconds in PLAN],
            "roster_count": len(self.people),
            "session": session if running else None,
            "last_session_id": None if running else self.session_id if self.ended_at_ms else None,
        }

    def record(self) -> Json:
        return {
            "kind": "session",
            "session_id": self.session_id,
            "class_id": 7,
            "class_name": "Evening Spin",
            "class_type": "spinning",
            "trainer_id": 3,
            "trainer_name": "Tara Trainer",
            "state": self.state,
            "started_at_ms": self.started_at_ms,
            "planned_duration_s": 2_700,
            "segments": [{"name": name, "duration_s": seconds} for name, seconds in PLAN],
            "participants": [
                {"member_id": p.member_id, "name": p.name, "heart_rate_zone_floors_bpm": FLOORS} for p in self.people
            ],
        }

    def rows(self, now_ms: int) -> list[Json]:
        return [person.row(now_ms) for person in self.people]

    def class_metrics(self, rows: list[Json]) -> Json:
        live = [row for row in rows if row["state"] == "live"]
        seen = [row for row in rows if row["state"] != "no_strap"]
        scores = [row["intensity_60s"] for row in live]
        mean = sum(scores) / len(scores) if scores else None
        return {
            "expected": len(rows),
            "active_members": sum(row["state"] in {"live", "stale"} for row in rows),
            "attended": len(seen),
            "attendance_rate": len(seen) / len(rows),
            "avg_heart_rate_bpm": None,
            "avg_intensity": mean,
            "avg_intensity_60s": mean,
            "intensity_distribution": {
                "low": sum(s < 4 for s in scores),
                "medium": sum(4 <= s < 7 for s in scores),
                "high": sum(s >= 7 for s in scores),
            },
            "zone_counts": [sum(row["zone"] == zone for row in live) for zone in range(6)],
        }

    def alert(self, member_id: int | None, severity: str, message: str, action: str, now_ms: int) -> Json:
        rule = "heart_rate_high"
        found = {
            "type": "alert",
            "alert_id": f"{self.session_id[:8]}-{member_id or 0}-{rule}-{now_ms}",
            "version": 1,
            "session_id": self.session_id,
            "class_id": 7,
            "member_id": member_id,
            "member_name": self.person(member_id).name if member_id else "",
            "rule": rule,
            "state": "active",
            "timestamp": iso(now_ms),
            "raised_at_ms": now_ms,
            "updated_at_ms": now_ms,
            "cleared_at_ms": None,
            "acknowledged_at_ms": None,
            "acknowledged_by": None,
            "repeated": 0,
            "alert": {
                "severity": severity,
                "message": message,
                "metric": "heart_rate_bpm",
                "current": 187.0,
                "threshold": 180.0,
                "suggested_action": action,
            },
        }
        self.alerts[found["alert_id"]] = found
        return found

    def change_alert(self, alert_id: str, now_ms: int, **changes: Any) -> Json:
        before = self.alerts[alert_id]
        self.alerts[alert_id] = {**before, **changes, "version": before["version"] + 1, "updated_at_ms": now_ms}
        return self.alerts[alert_id]

    def intensity(self, until_ms: int) -> list[tuple[int, float]]:
        def value(at_ms: int) -> float:
            minute = (at_ms - self.started_at_ms) / 60_000
            if minute < 12:
                return round(min(9.0, 2.2 + minute * 0.42) + 0.9 * math.sin(minute * 1.9), 2)
            return round(6.6 + 1.3 * math.sin(minute * 1.6), 2)

        return [(at, value(at)) for at in range(self.started_at_ms, self.ended_at_ms or until_ms, 15_000)]

    def series(self, member_id: int, metric: str, now_ms: int) -> list[tuple[int, float]]:
        person = self.person(member_id)
        start = self.started_at_ms - self.started_at_ms % 5_000
        gap = range(start + 600_000, start + 680_000)
        scale = {"heart_rate_bpm": 1.0, "power_watts": 1.4, "cadence_rpm": 0.6, "speed_mps": 0.05}[metric]
        return [(at, round(person.bpm_at(at) * scale, 1)) for at in range(start, now_ms, 5_000) if at not in gap]


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
