"""The demo's club over five weeks: its people, simulated with fixed seeds, through the flows into the warehouse.

The same rows every time: simulator and flows are those of the product, only time is the test's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from api.directory.seed import PLANS, Plan
from api.directory.seed_people import MEMBERS, Person
from infra.warehouse import insert_rows
from ingest.simulator.class_simulation import ClassSimulation, Scenario
from pipelines.messages import Rows
from pipelines.steps.maximum import estimated_max_heart_rate_bpm
from pipelines.steps.zones import floors_by_maximum
from schemas.alerts import alert_decoder
from schemas.directory import Limits, Participant, SessionRecord
from schemas.events import AlertAcknowledged, SessionEnded, SessionStarted
from schemas.tables import TELEMETRY_1S, TELEMETRY_RAW, Table
from schemas.topics import ALERTS
from tests.late.small_world import SmallWorld, Tables

MEMBER_COUNT = 6
BATCH_S = 6
TRAINER_ID = 101
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Held:
    """One class that took place; `away` are members of the roster who did not come."""

    number: int
    plan: Plan
    started_at: str
    minutes: int
    away: tuple[int, ...]
    scenario: Scenario = "ordinary"

    @property
    def session_id(self) -> str:
        return str(UUID(int=0x5E55_0000_0000_4000_8000_0000_0000_0000 + self.number))

    @property
    def started_at_ms(self) -> int:
        return round(datetime.fromisoformat(self.started_at).replace(tzinfo=UTC).timestamp() * 1000)

    @property
    def ended_at_ms(self) -> int:
        return self.started_at_ms + self.minutes * 60_000

    @property
    def class_id(self) -> int:
        return PLANS.index(self.plan) + 1


SPIN, HIIT, RUN = PLANS
HELD = (
    Held(1, SPIN, "2026-09-07 06:30", 22, away=(3,), scenario="demo"),
    Held(2, HIIT, "2026-09-09 18:00", 12, away=(2, 6)),
    Held(3, RUN, "2026-09-12 09:00", 12, away=(5,)),
    Held(4, SPIN, "2026-09-14 06:30", 22, away=(), scenario="demo"),
    Held(5, SPIN, "2026-10-05 06:30", 22, away=(1, 6)),
)
ASKED = {"member_id": "2", "session_id": HELD[0].session_id, "month": "2026-09-01"}
"""What the questions are asked about, by the names of their parameters."""


class Collected(Tables):
    """Keeps rows as they would be inserted."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Rows] = []

    def insert(self, rows: Rows) -> None:
        self.batches.append(rows)


def participant(member_id: int, person: Person) -> Participant:
    """As the control plane hands a profile to a session."""
    age = 2026 - person.birth_date.year
    highest = person.max_heart_rate_bpm or round(estimated_max_heart_rate_bpm(age))
    return Participant(
        member_id=member_id,
        name=person.name,
        sex=person.sex,
        age_years=age,
        mass_kg=person.mass_kg,
        max_heart_rate_bpm=highest,
        resting_heart_rate_bpm=person.resting_heart_rate_bpm,
        ftp_watts=person.ftp_watts,
        heart_rate_zone_floors_bpm=tuple(ceil(round(float(floor), 6)) for floor in floors_by_maximum(highest)),
        limits=Limits(),
    )


def rows_of(held: Held) -> dict[Table, pa.Table]:
    """Everything that flows write about one class."""
    roster = [participant(number, person) for number, person in enumerate(MEMBERS[:MEMBER_COUNT], 1)]
    record = _record(held, roster)
    world = SmallWorld(held.started_at_ms)
    world.tables = tables = Collected()
    world.put(record)
    world.app_events(_started(held))
    _train(world, held, [person for person in roster if person.member_id not in held.away])
    end_ms = held.ended_at_ms
    world.put(msgspec.structs.replace(record, state="completed", ended_at_ms=end_ms))
    world.app_events(SessionEnded(event_id=f"club-ended-{held.number}", **_common(held, end_ms)))
    for second in range(1, 13):
        world.at(end_ms + second * 1000)
    return {
        table: pa.concat_tables([found.rows for found in tables.batches if found.table is table])
        for table in dict.fromkeys(found.table for found in tables.batches)
    }


def load(client: Client) -> None:
    """The whole history, as the writer; the rows never grow too old."""
    for table in (TELEMETRY_RAW, TELEMETRY_1S):
        client.command(f"ALTER TABLE {table.name} REMOVE TTL")
    for held in HELD:
        for table, rows in rows_of(held).items():
            insert_rows(client, table, rows)


def is_loaded(client: Client) -> bool:
    found: int = client.query("SELECT count() FROM v_class_summaries").first_row[0]
    return found == len(HELD)


def _record(held: Held, roster: Sequence[Participant]) -> SessionRecord:
    return SessionRecord(
        session_id=held.session_id,
        class_id=held.class_id,
        class_name=held.plan.name,
        class_type=held.plan.class_type,
        trainer_id=TRAINER_ID,
        trainer_name="Nora Lindgren",
        started_at_ms=held.started_at_ms,
        planned_duration_s=held.minutes * 60,
        segments=held.plan.segments,
        participants=tuple(roster),
    )


def _train(world: SmallWorld, held: Held, present: Sequence[Participant]) -> None:
    simulation = ClassSimulation(
        present,
        class_type=held.plan.class_type,
        seed=held.number,
        run=f"club{held.number}",
        session_id=held.session_id,
        segments=held.plan.segments,
        planned_duration_s=held.minutes * 60,
        scenario=held.scenario,
    )
    told: dict[str, int] = {}
    for second in range(0, held.minutes * 60, BATCH_S):
        events: list[bytes] = []
        for at_ms in range(held.started_at_ms + second * 1000, held.started_at_ms + (second + BATCH_S) * 1000, 1000):
            simulation.advance(at_ms)
            taken = simulation.take(10_000)
            events += [encode(msgspec.structs.replace(event, received_time_ms=at_ms + 600)) for event in taken]
        world.readings(events)
        world.at(at_ms + 900)
        for alert_id in _answered(world, told, at_ms):
            world.app_events(_acknowledgement(held, alert_id, at_ms))


def _answered(world: SmallWorld, told: dict[str, int], now_ms: int) -> list[str]:
    """Alerts that the trainer acknowledges now: three of four about members, some seconds after they came."""
    for message in world.published:
        if message.topic == ALERTS.name:
            alert = alert_decoder.decode(message.value)
            told.setdefault(alert.alert_id, now_ms if alert.member_id and len(told) % 4 < 3 else 0)
    world.published.clear()
    return [alert_id for alert_id, at_ms in told.items() if at_ms and now_ms - at_ms == 12_000 + at_ms // 6_000 % 3 * 6_000]


def _started(held: Held) -> SessionStarted:
    return SessionStarted(
        event_id=f"club-started-{held.number}",
        class_type=held.plan.class_type,
        expected_members=MEMBER_COUNT,
        **_common(held, held.started_at_ms),
    )


def _acknowledgement(held: Held, alert_id: str, at_ms: int) -> AlertAcknowledged:
    common = _common(held, at_ms) | {"actor_id": TRAINER_ID, "actor_name": "Nora Lindgren"}
    return AlertAcknowledged(event_id=f"club-ack-{held.number}-{at_ms}", alert_id=alert_id, **common)


def _common(held: Held, at_ms: int) -> dict[str, Any]:
    return {
        "session_id": held.session_id,
        "class_id": held.class_id,
        "event_time_ms": at_ms,
        "received_time_ms": at_ms,
    }
