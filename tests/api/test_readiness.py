"""/ready asks every part, and waits for none."""

import threading
import time

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from api.directory.models import OutboxRow
from api.directory.outbox import owe_event
from api.readiness import OWED_MS_MAX, Readiness, outbox_moves
from infra.postgres import open_engine
from infra.settings import Settings
from schemas.events import MarkerAdded
from tests.api.running_api import own_database
from tests.conftest import FakeClock


async def test_a_part_that_hangs_has_failed_and_keeps_nobody_waiting(clock: FakeClock) -> None:
    asked: list[str] = []
    answers = threading.Event()

    def hanging() -> bool:
        asked.append("hanging")
        return answers.wait(20)

    def quick() -> bool:
        asked.append("quick")
        return True

    readiness = Readiness({"hanging": hanging, "quick": quick}, clock)
    began = time.monotonic()
    for _ in range(3):
        assert await readiness.now() == {"hanging": False, "quick": True}
        clock.forward(2)
    assert time.monotonic() - began < 4, "only the first question waited"
    assert sorted(asked) == ["hanging", "quick", "quick", "quick"], "nothing is asked again before it has answered"
    answers.set()


async def test_many_who_ask_in_one_second_are_one_question(clock: FakeClock) -> None:
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return True

    readiness = Readiness({"it": count}, clock)
    for _ in range(50):
        await readiness.now()
    assert asked == 1


@pytest.mark.servers
def test_what_nobody_publishes_for_half_a_minute_is_told(postgres_only: Settings) -> None:
    engine = open_engine(own_database(postgres_only, "readiness_test"))
    session_id = "00000000-0000-4000-8000-000000000001"
    with Session(engine) as db, db.begin():
        owe_event(db, MarkerAdded(event_id="marker-0001", session_id=session_id, marker_type="m", event_time_ms=1_000))
    assert outbox_moves(engine, 1_000 + OWED_MS_MAX - 1)
    assert not outbox_moves(engine, 1_000 + OWED_MS_MAX)
    with Session(engine) as db, db.begin():
        db.execute(delete(OutboxRow))
    assert outbox_moves(engine, 1_000 + OWED_MS_MAX)
    engine.dispose()
