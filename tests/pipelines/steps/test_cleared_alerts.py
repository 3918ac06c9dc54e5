"""Alerts that are over: small in a checkpoint, and still there for whoever acknowledges one late."""

import pickle
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipelines.steps.alert_state import AlertBook
from pipelines.steps.alerts import AlertConfig
from pipelines.steps.cleared_alerts import SEALED_AT, ClearedAlerts
from schemas.alerts import Alert, AlertBody
from schemas.events import AlertAcknowledged

SESSIONS = tuple(f"0192aaaa-0000-7000-8000-00000000000{n}" for n in (1, 2))


def over(session_id: str, number: int, acknowledged_by: str | None = None) -> Alert:
    raised_ms = 1_790_000_000_000 + number * 7_000
    return Alert(
        alert_id=f"{session_id}:{number % 7}:hrh:{number}",
        version=1_001 if acknowledged_by is None else 1_101,
        session_id=session_id,
        class_id=3,
        member_id=number % 7 or None,
        member_name=f"Member {number % 7}",
        rule="heart_rate_high",
        state="cleared",
        timestamp="2026-09-21T14:13:20Z",
        raised_at_ms=raised_ms,
        cleared_at_ms=raised_ms + 40_000 + number,
        updated_at_ms=raised_ms + 40_000 + number,
        acknowledged_at_ms=None if acknowledged_by is None else raised_ms + 90_000,
        acknowledged_by=acknowledged_by,
        alert=AlertBody(
            severity="critical",
            message=f"Member {number % 7}: heart rate {181 + number % 9} bpm is above 180 bpm.",
            metric="heart_rate_bpm",
            current=181 + number % 9,
            threshold=180,
            suggested_action="Ask them to ease off, and check how they feel.",
        ),
    )


@given(
    st.lists(st.tuples(st.sampled_from(SESSIONS), st.integers(0, 150), st.sampled_from([None, "Ada"])), max_size=300),
    st.integers(0, 300),
)
def test_whatever_is_put_is_found_as_it_was_put_last(puts: list[tuple[str, int, str | None]], restored_after: int) -> None:
    cleared = ClearedAlerts()
    model: dict[str, Alert] = {}
    for at, put in enumerate(puts):
        if at == restored_after:
            cleared = ClearedAlerts.of_stored(pickle.loads(pickle.dumps(cleared.stored())))
        alert = over(*put)
        cleared.put(alert)
        model[alert.alert_id] = alert
    for alert in model.values():
        assert (alert.session_id, alert.alert_id) in cleared
        assert cleared.get(alert.session_id, alert.alert_id) == alert
    for session_id in SESSIONS:
        assert cleared.counts(session_id) == Counter(a.member_id for a in model.values() if a.session_id == session_id)
        assert cleared.get(session_id, "never raised") is None
    cleared.forget({SESSIONS[0]})
    assert all(cleared.get(a.session_id, a.alert_id) is None for a in model.values() if a.session_id == SESSIONS[0])
    assert not cleared.counts(SESSIONS[0])
    assert sum(cleared.counts(SESSIONS[1]).values()) == sum(a.session_id == SESSIONS[1] for a in model.values())


def test_thousands_of_them_are_small_in_a_checkpoint() -> None:
    cleared = ClearedAlerts()
    for number in range(5_000):
        cleared.put(over(SESSIONS[0], number))
    assert len(pickle.dumps(cleared.stored())) < 5_000 * 60
    assert len(msgspec.json.encode(over(SESSIONS[0], 4_999))) > 600


def restored(book: AlertBook) -> AlertBook:
    return AlertBook.of_stored(AlertConfig(), pickle.loads(pickle.dumps(book.stored())))


def acknowledged(number: int) -> AlertAcknowledged:
    return AlertAcknowledged(
        event_id=f"ack-{number}",
        session_id=SESSIONS[0],
        event_time_ms=1_790_009_000_000,
        alert_id=over(SESSIONS[0], number).alert_id,
        actor_id=5,
        actor_name="Ada",
    )


def test_one_that_is_long_over_can_be_acknowledged_before_and_after_a_restart() -> None:
    book = AlertBook(AlertConfig())
    for number in range(3 * SEALED_AT):
        assert book.recall(over(SESSIONS[0], number))
    book.acknowledge(acknowledged(2))
    book = restored(book)
    book.acknowledge(acknowledged(2))
    book.acknowledge(acknowledged(9))
    told = book.take()
    assert [(alert.alert_id, alert.version) for alert in told] == [(over(SESSIONS[0], n).alert_id, 1_101) for n in (2, 9)]
    for number, alert in zip((2, 9), told, strict=True):
        at_ms = 1_790_009_000_000
        expected = {"version": 1_101, "acknowledged_at_ms": at_ms, "acknowledged_by": "Ada", "updated_at_ms": at_ms}
        assert alert == replace(over(SESSIONS[0], number), **expected)
    assert not book.recall(over(SESSIONS[0], 2)), "it is known"
    assert sum(book.counts(SESSIONS[0]).values()) == 3 * SEALED_AT


def test_a_memory_of_an_earlier_program_is_read() -> None:
    alerts = [over(SESSIONS[0], 1), replace(over(SESSIONS[0], 2), state="active", version=1, cleared_at_ms=None)]
    stored: dict[str, Any] = AlertBook(AlertConfig()).stored() | {"alerts": msgspec.json.encode(alerts)}
    del stored["cleared"]
    book = AlertBook.of_stored(AlertConfig(), stored)
    assert [book.known(alert.alert_id) for alert in alerts] == [True, True]
    book.acknowledge(acknowledged(1))
    book.acknowledge(acknowledged(2))
    assert [alert.version for alert in book.take()] == [1_101, 101]
