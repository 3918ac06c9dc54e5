"""What readers of topic `live` see: keyframes, deltas, states, class metrics."""

from typing import Any

import msgspec
import pytest

from pipelines.steps.shard import LiveShard
from schemas.events import CheckedIn, CheckedOut, SessionPaused, SessionResumed
from schemas.live import LIVE_COLUMNS, LiveUpdate, live_decoder
from tests.pipelines.steps.people import SESSION, STARTED_MS, heart_rates, member, reading, session


def opened(*members: Any) -> LiveShard:
    shard = LiveShard.restore(None)
    shard.put_session(session(members or [member(1), member(2)]))
    return shard


def only(updates: list[LiveUpdate]) -> LiveUpdate:
    (update,) = updates
    return live_decoder.decode(msgspec.json.encode(update))


def app(kind: type[Any], at_ms: int, **fields: Any) -> Any:
    return kind(event_id=f"app:{kind.__name__}:{at_ms}", session_id=SESSION, event_time_ms=STARTED_MS + at_ms, **fields)


class Screen:
    """A reader that knows nothing but the messages."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}
        self.sequence = 0

    def show(self, update: LiveUpdate) -> None:
        assert update.sequence == self.sequence + 1
        self.sequence = update.sequence
        if update.kind == "key":
            assert list(update.columns) == list(LIVE_COLUMNS)
            assert update.rows == tuple(range(len(update.members)))
            self.columns = {name: list(values) for name, values in update.columns.items()}
        for name, values in update.columns.items():
            for row, value in zip(update.rows, values, strict=True):
                self.columns[name][row] = value


def test_the_first_message_names_everyone_and_every_column() -> None:
    update = only(opened().take_live(STARTED_MS + 100))
    assert (update.kind, update.sequence, update.members, update.names) == ("key", 1, (1, 2), ("Member 1", "Member 2"))
    assert list(update.columns) == list(LIVE_COLUMNS)
    assert update.columns["state"] == ["no_strap", "no_strap"]
    assert update.columns["heart_rate_bpm"] == [None, None]


def test_a_class_that_begins_with_nobody_is_shown_and_grows() -> None:
    shard = LiveShard.restore(None)
    shard.put_session(session([]))
    empty = only(shard.take_live(STARTED_MS + 100))
    assert (empty.kind, empty.members, empty.rows) == ("key", (), ())
    assert empty.class_metrics.expected == 0
    shard.put_session(session([member(1)]))
    assert shard.readings([reading(1, 500, heart_rate_bpm=120)]) == []
    grown = only(shard.take_live(STARTED_MS + 600))
    assert (grown.kind, grown.sequence, grown.members, grown.columns["heart_rate_bpm"]) == ("key", 2, (1,), [120])


def test_a_delta_has_only_the_rows_and_columns_that_changed() -> None:
    shard = opened()
    shard.take_live(STARTED_MS)
    shard.readings([reading(2, 500, heart_rate_bpm=120)])
    update = only(shard.take_live(STARTED_MS + 600))
    assert (update.kind, update.sequence, update.rows, update.members) == ("delta", 2, (1,), ())
    assert update.columns["heart_rate_bpm"] == [120]
    assert update.columns["state"] == ["live"]
    assert update.columns["heart_rate_at_ms"] == [STARTED_MS + 500]
    assert not {"power_watts", "pace_s_per_km", "rmssd_ms", "zone_s"} & update.columns.keys()
    assert (update.event_time_ms, update.received_time_ms) == (STARTED_MS + 500, STARTED_MS + 540)


def test_nothing_new_is_no_message() -> None:
    shard = opened()
    shard.readings([reading(1, 500, heart_rate_bpm=120)])
    shard.take_live(STARTED_MS + 600)
    shard.readings([reading(1, 500, heart_rate_bpm=120)])
    assert shard.take_live(STARTED_MS + 700) == []


def test_a_keyframe_comes_every_ten_seconds_and_deltas_lead_to_the_same_picture() -> None:
    shard, told, pieced = opened(), [], Screen()
    for at in range(25):
        shard.readings([reading(1, at * 1000, heart_rate_bpm=120 + at), reading(2, at * 1000 + 5, power_watts=100 + at)])
        shard.tick(STARTED_MS + at * 1000 + 100, caught_up=True)
        told += shard.take_live(STARTED_MS + at * 1000 + 100)
    assert [at for at, update in enumerate(told) if update.kind == "key"] == [0, 10, 20]
    for update in told:
        pieced.show(update)
    whole = LiveShard.restore(shard.snapshot()).take_live(STARTED_MS + 24_100)
    assert only(whole).kind == "key"
    assert only(whole).columns == pieced.columns


def test_columns_of_a_member_with_everything() -> None:
    shard = opened(member(1))
    for at in range(70):
        shard.readings(
            [
                reading(1, at * 1000, heart_rate_bpm=125 if at < 60 else 145),
                reading(1, at * 1000 + 1, power_watts=160 if at < 60 else 250),
                reading(1, at * 1000 + 2, cadence_rpm=80.4),
                reading(1, at * 1000 + 3, speed_mps=4.0 if at < 60 else 5.0),
            ]
        )
    shown = {name: values[0] for name, values in only(shard.take_live(STARTED_MS + 69_100)).columns.items()}
    assert shown["heart_rate_bpm"] == 145
    assert shown["heart_rate_10s_bpm"] == 145.0
    assert shown["heart_rate_60s_bpm"] == pytest.approx((50 * 125 + 10 * 145) / 60, abs=0.06)
    assert shown["heart_rate_avg_bpm"] == pytest.approx((60 * 125 + 10 * 145) / 70, abs=0.06)
    assert shown["heart_rate_max_bpm"] == 145
    assert shown["zone"] == 3
    assert shown["zone_s"] == [0, 0, 59, 10, 0, 0]
    assert (shown["power_watts"], shown["power_10s_watts"], shown["power_zone"]) == (250, 250, 6)
    assert shown["power_60s_watts"] == 175
    assert shown["cadence_rpm"] == 80
    assert (shown["speed_mps"], shown["pace_s_per_km"]) == (5.0, 200)
    assert shown["pace_avg_s_per_km"] == pytest.approx(1000 / (290 / 70), abs=0.06)
    assert shown["intensity_60s"] == pytest.approx(10 * (shown["heart_rate_60s_bpm"] - 60) / 130, abs=0.01)
    assert shown["effort_points"] == pytest.approx((59 * 2 + 10 * 3) / 60, abs=0.06)


def test_who_stands_has_no_pace() -> None:
    shard = opened(member(1))
    shard.readings([reading(1, at * 1000, speed_mps=0.2) for at in range(12)])
    assert only(shard.take_live(STARTED_MS + 12_000)).columns["pace_s_per_km"] == [None]


def test_a_value_grows_stale_after_five_seconds_and_the_member_has_left_after_three_minutes() -> None:
    shard = opened(member(1))
    shard.readings([reading(1, 0, heart_rate_bpm=120)])
    states = {}
    for now_s in (5, 6, 180, 181):
        shard.tick(STARTED_MS + now_s * 1000, caught_up=True)
        for update in shard.take_live(STARTED_MS + now_s * 1000):
            states[now_s] = update.columns.get("state")
            assert update.class_metrics.active_members == (0 if now_s > 180 else 1)
    assert states == {5: ["live"], 6: ["stale"], 180: ["stale"], 181: ["left"]}


def test_check_out_is_leaving_and_check_in_is_attendance() -> None:
    shard = opened()
    shard.readings([reading(1, 0, heart_rate_bpm=120)])
    shard.app_events([app(CheckedOut, 500, member_id=1), app(CheckedIn, 500, member_id=2)])
    update = only(shard.take_live(STARTED_MS + 600))
    assert update.columns["state"] == ["left", "no_strap"]
    assert (update.class_metrics.attended, update.class_metrics.attendance_rate) == (2, 1.0)
    shard.app_events([app(CheckedIn, 900, member_id=1)])
    assert only(shard.take_live(STARTED_MS + 1000)).columns["state"] == ["live"]


def test_who_joins_makes_a_keyframe_and_who_is_removed_has_left() -> None:
    shard = opened()
    shard.readings([reading(1, 0, heart_rate_bpm=120)])
    shard.take_live(STARTED_MS + 100)
    shard.put_session(session([member(2), member(3)]))
    update = only(shard.take_live(STARTED_MS + 200))
    assert (update.kind, update.members) == ("key", (1, 2, 3))
    assert update.columns["state"] == ["left", "no_strap", "no_strap"]
    assert update.class_metrics.expected == 2


def test_pause_and_resumption_are_told_whatever_their_order() -> None:
    shard = opened()
    shard.take_live(STARTED_MS)
    shard.app_events([app(SessionResumed, 2_000), app(SessionPaused, 1_000)])
    assert shard.take_live(STARTED_MS + 2_100) == []
    shard.app_events([app(SessionPaused, 3_000)])
    assert only(shard.take_live(STARTED_MS + 3_100)).session_state == "paused"


def test_class_metrics_over_its_members() -> None:
    people = [member(n, resting_heart_rate_bpm=None) for n in range(1, 6)]
    shard = opened(*people)
    rates = {1: 60, 2: 100, 3: 130, 4: 160}
    for at in range(3):
        shard.readings([reading(n, at * 1000 + n, heart_rate_bpm=bpm) for n, bpm in rates.items()])
    found = only(shard.take_live(STARTED_MS + 2_500)).class_metrics
    assert (found.expected, found.attended, found.active_members, found.attendance_rate) == (5, 4, 4, 0.8)
    assert found.avg_heart_rate_bpm == 112.5
    assert found.avg_intensity == pytest.approx(sum(bpm / 190 * 10 for bpm in rates.values()) / 4, abs=0.01)
    assert found.intensity_distribution == {"low": 1, "medium": 2, "high": 1}
    assert found.zone_counts == (1, 1, 1, 0, 1, 0)


def test_sessions_do_not_disturb_each_other() -> None:
    other = "0192aaaa-0000-7000-8000-000000000002"
    shard = opened()
    shard.put_session(session([member(1)], session_id=other))
    shard.take_live(STARTED_MS)
    shard.readings([reading(1, 0, heart_rate_bpm=120), reading(1, 0, heart_rate_bpm=150, session_id=other)])
    updates = {update.session_id: update for update in shard.take_live(STARTED_MS + 100)}
    assert updates[SESSION].columns["heart_rate_bpm"] == [120]
    assert updates[other].columns["heart_rate_bpm"] == [150]


def test_variability_of_the_last_minute_is_shown() -> None:
    shard = opened(member(1))
    events = [reading(1, at * 1000, heart_rate_bpm=75, rr_ms=(780 + at % 5 * 10,)) for at in range(60)]
    shard.readings(events)
    (shown,) = only(shard.take_live(STARTED_MS + 60_000)).columns["rmssd_ms"]
    differences = [10, 10, 10, 10, -40]
    assert shown == pytest.approx((sum(d * d for d in differences) / 5) ** 0.5, abs=0.5)


def test_unknown_sessions_and_members_come_out_with_a_reason() -> None:
    shard = opened()
    stranger = reading(1, 0, heart_rate_bpm=120, session_id="0192aaaa-0000-7000-8000-00000000ffff")
    assert shard.readings([stranger, reading(77, 0, heart_rate_bpm=120), *heart_rates(1, [120])]) == []
    assert [(event.member_id, reason) for event, reason in shard.take_rejected()] == [
        (1, "unknown_session"),
        (77, "unknown_member"),
    ]
    assert shard.take_rejected() == []
    assert shard.knows(SESSION)
    assert not shard.knows_member(SESSION, 77)


def test_a_snapshot_of_another_version_is_refused() -> None:
    state = opened().snapshot() | {"version": 99}
    with pytest.raises(ValueError, match="99"):
        LiveShard.restore(state)
