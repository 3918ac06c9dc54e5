"""Scenarios of a class, second by second, with exactly the alerts that they must raise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from pipelines.steps.alerts import RULES, AlertConfig
from pipelines.steps.shard import LiveShard
from schemas.alerts import Alert, AlertRule, alert_decoder
from schemas.directory import ClassLimits, Limits, Segment, SessionRecord
from schemas.events import AlertAcknowledged, CheckedIn, CheckedOut, Reading, SessionPaused, SessionResumed
from tests.pipelines.steps.people import SESSION, STARTED_MS, member, reading, session

NO_LIMITS = Limits(heart_rate_high_bpm=None, fatigue_drop_share=None)
QUIET_CLASS = ClassLimits(intensity_low=0, intensity_high=10, attendance_low=0)
Rates = Callable[[int], int | None]


@dataclass
class Class:
    """A class with a clock: one second after the other."""

    shard: LiveShard
    record: SessionRecord
    now_s: int = 0
    told: list[tuple[int, Alert]] = field(default_factory=list)

    def second(self, events: Iterable[Reading] = (), *, caught_up: bool = True) -> None:
        self.shard.readings(list(events))
        self.shard.tick(STARTED_MS + self.now_s * 1000 + 500, caught_up=caught_up)
        self.collect()
        self.now_s += 1

    def collect(self) -> None:
        self.told += [(self.now_s, alert_decoder.decode(msgspec.json.encode(a))) for a in self.shard.take_alerts()]

    def beat(self, until_s: int, **rates: Rates) -> None:
        """Heart rates by member (m1, m2, …) until a second; none is silence."""
        while self.now_s < until_s:
            beats = ((int(name[1:]), rate(self.now_s)) for name, rate in rates.items())
            self.second(reading(who, self.now_s * 1000 + who, heart_rate_bpm=bpm) for who, bpm in beats if bpm is not None)

    def app(self, kind: type[Any], **fields: Any) -> None:
        at_ms = STARTED_MS + self.now_s * 1000
        self.shard.app_events(
            [kind(event_id=f"app:{self.now_s}:{kind.__name__}", session_id=SESSION, event_time_ms=at_ms, **fields)]
        )
        self.collect()

    @property
    def story(self) -> list[tuple[int, AlertRule, str]]:
        """Second told, rule, what happened."""
        return [(at, alert.rule, what(alert)) for at, alert in self.told]


def what(alert: Alert) -> str:
    if alert.state == "cleared":
        return "cleared"
    return "acknowledged" if alert.acknowledged_at_ms else f"repeated {alert.repeated}" if alert.repeated else "raised"


def open_class(*people: Any, config: AlertConfig | None = None, **changes: Any) -> Class:
    shard = LiveShard.restore(None, config)
    record = session(people, **({"limits": QUIET_CLASS} | changes))
    shard.put_session(record)
    shard.tick(STARTED_MS, caught_up=True)
    return Class(shard, record)


def limited(**limits: Any) -> Any:
    return member(1, name="Anna Berg", limits=replace(NO_LIMITS, **limits))


def wobbling(bpm: int) -> Rates:
    """A heart never beats twice alike."""
    return lambda second: bpm + second % 3


def stepping(*steps: tuple[int, int]) -> Rates:
    """From each second on another rate, 20 bpm a second on the way."""

    def rate(second: int) -> int:
        now = steps[0][1]
        for begin, bpm in steps:
            if second >= begin:
                reach = 20 * (second - begin + 1)
                now = min(bpm, now + reach) if bpm > now else max(bpm, now - reach)
        return now + second % 3

    return rate


def test_a_heart_rate_above_the_limit_is_raised_after_ten_seconds_and_cleared_when_it_is_over() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(150, m1=stepping((0, 150), (50, 185), (90, 150)))
    assert training.story == [(62, "heart_rate_high", "raised"), (101, "heart_rate_high", "cleared")]
    (_, raised), (_, cleared) = training.told
    assert raised.alert.message == "Anna Berg's heart rate is 186, above her limit of 180, for 10 s"
    assert (raised.alert.severity, raised.alert.current, raised.alert.threshold) == ("critical", 186, 180)
    assert raised.alert.metric == "heart_rate_bpm"
    assert raised.alert.suggested_action
    assert raised.alert_id == f"{SESSION}:1:hrh:61"
    assert (raised.member_id, raised.member_name, raised.class_id) == (1, "Anna Berg", 5)
    assert raised.raised_at_ms == STARTED_MS // 1000 * 1000 + 61_000
    assert raised.timestamp == "2025-11-21T08:01:14.000Z"
    assert cleared.cleared_at_ms == STARTED_MS // 1000 * 1000 + 100_000
    assert cleared.version > raised.version == 1


def test_an_ordinary_class_raises_nothing() -> None:
    people = [member(n, limits=Limits()) for n in range(1, 6)]
    training = open_class(*people, limits=ClassLimits())
    rates = {
        f"m{n}": stepping((0, 90 + n), (200, 140), (420, 168), (480, 130), (540, 170), (600, 125 + n)) for n in range(1, 6)
    }
    training.beat(900, **rates)
    assert training.story == []


def test_single_wild_values_raise_nothing() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(200, m1=lambda second: 230 if second % 7 == 0 else 150 + second % 3)
    assert training.story == []


def test_nine_seconds_are_too_short() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(120, m1=lambda second: 185 if 50 <= second < 60 else 170 + second % 3)
    assert training.story == []


def test_a_value_on_the_limit_is_not_above_it() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(120, m1=lambda second: 179 + second % 2)
    assert training.story == []


def test_hysteresis_keeps_an_alert_until_the_value_is_well_below() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(250, m1=lambda s: 182 + s % 2 if s < 60 else 177 + s % 3 if s < 200 else 172 + s % 3)
    assert [(at, event) for at, _, event in training.story if not event.startswith("repeated")] == [
        (11, "raised"),
        (211, "cleared"),
    ]


def test_a_cool_down_keeps_the_rule_quiet_after_an_alert() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    high = [*range(10, 40), *range(60, 90), *range(130, 170)]
    training.beat(200, m1=lambda second: (184 if second in high else 165) + second % 3)
    assert [(at, event) for at, _, event in training.story] == [
        (21, "raised"),
        (51, "cleared"),
        (141, "raised"),
        (181, "cleared"),
    ]


def test_a_stuck_strap_raises_nothing_more() -> None:
    training = open_class(limited(heart_rate_low_bpm=60))
    training.beat(30, m1=wobbling(80))
    training.beat(40, m1=lambda second: None)
    quiet = open_class(limited(heart_rate_high_bpm=180))
    quiet.beat(20, m1=wobbling(175))
    assert training.story == quiet.story == []


def test_low_zone_and_low_limit() -> None:
    training = open_class(limited(heart_rate_low_bpm=80, heart_rate_zone_low=2, heart_rate_zone_high=3))
    training.beat(520, m1=stepping((0, 120), (310, 105), (400, 75), (450, 120)))
    assert [(rule, event) for _, rule, event in training.story if not event.startswith("repeated")] == [
        ("heart_rate_below_zone", "raised"),
        ("heart_rate_low", "raised"),
        ("heart_rate_low", "cleared"),
        ("heart_rate_below_zone", "cleared"),
    ]


def test_nobody_is_below_their_zone_while_warming_up() -> None:
    training = open_class(limited(heart_rate_zone_low=2))
    training.beat(300, m1=wobbling(90))
    assert training.story == []


def test_above_the_zone() -> None:
    training = open_class(limited(heart_rate_zone_high=3))
    training.beat(60, m1=lambda second: 152 + second % 3)
    assert training.story == [(31, "heart_rate_above_zone", "raised")]
    assert training.told[0][1].alert.message == "Anna Berg's heart rate is 152, above her target zone (below 152), for 30 s"


def test_power_out_of_zone_is_judged_by_ten_second_means() -> None:
    training = open_class(limited(power_zone_high=3, power_zone_low=2))
    for _ in range(500):
        surge = training.now_s % 20 < 3
        mean = 170 if training.now_s < 350 else 200 if training.now_s < 420 else 160
        watts = mean * 3 if surge and training.now_s < 350 else mean
        training.second([reading(1, training.now_s * 1000, power_watts=watts if training.now_s >= 330 else 150)])
    raised = [alert for _, alert in training.told if alert.version == 1]
    assert [alert.rule for alert in raised] == ["power_above_zone"]
    assert raised[0].alert.message == "Anna Berg's power is 200 W, above her target zone (below 180 W), for 30 s"
    assert training.story[-1][1:] == ("power_above_zone", "cleared")


def test_pace_off_target() -> None:
    training = open_class(limited(pace_target_s_per_km=300))
    for _ in range(500):
        mps = 1000 / 360 if training.now_s < 60 or 360 < training.now_s < 430 else 1000 / 300
        training.second([reading(1, training.now_s * 1000, speed_mps=mps)])
    assert [(rule, event) for _, rule, event in training.story] == [
        ("pace_off_target", "raised"),
        ("pace_off_target", "cleared"),
    ]
    assert training.told[0][1].alert.message == "Anna Berg's pace is 6:00 /km, slower than her target of 5:00 /km, for 30 s"


def test_fatigue_when_the_same_output_costs_more_heartbeats() -> None:
    training = open_class(limited(fatigue_drop_share=0.15))
    for _ in range(32 * 60):
        bpm = 140 if training.now_s < 20 * 60 else 172
        at_ms = training.now_s * 1000
        training.second([reading(1, at_ms, heart_rate_bpm=bpm + training.now_s % 3), reading(1, at_ms, power_watts=200)])
    (at, alert), *_ = training.told
    assert (alert.rule, alert.alert.severity) == ("fatigue", "warning")
    assert 23 * 60 < at < 27 * 60
    assert alert.alert.message.startswith("Anna Berg may be tiring: her output per heartbeat is 1")


def test_cooling_down_is_no_fatigue() -> None:
    training = open_class(limited(fatigue_drop_share=0.15))
    for _ in range(30 * 60):
        hard = training.now_s < 20 * 60
        at_ms = training.now_s * 1000
        bpm, watts = (150, 200) if hard else (110, 60)
        training.second([reading(1, at_ms, heart_rate_bpm=bpm + training.now_s % 3), reading(1, at_ms, power_watts=watts)])
    assert training.story == []


def test_a_lost_signal_is_told_and_cleared_when_it_is_back() -> None:
    training = open_class(member(1, name="Anna Berg"), member(2), member(3))
    silent: Rates = lambda second: None if 60 <= second < 100 else 130 + second % 3  # noqa: E731  # reads best here
    training.beat(130, m1=silent, m2=wobbling(120), m3=wobbling(110))
    assert training.story == [(79, "lost_signal", "raised"), (100, "lost_signal", "cleared")]
    alert = training.told[0][1]
    assert alert.alert.message == "No signal from Anna Berg for 20 s"
    assert alert.alert_id == f"{SESSION}:1:sig:59"


def test_a_signal_is_lost_only_by_who_had_one_and_has_not_gone_home() -> None:
    training = open_class(member(1), member(2), member(3))
    training.beat(20, m1=wobbling(120), m2=wobbling(120))
    training.beat(60, m2=wobbling(120))
    training.app(CheckedOut, member_id=2)
    training.beat(120)
    assert training.story == []


def test_a_lost_signal_is_not_told_by_a_flow_that_is_behind() -> None:
    training = open_class(member(1))
    training.beat(60, m1=wobbling(120))
    for _ in range(60):
        training.second(caught_up=False)
    assert training.story == []
    training.second()
    assert training.story == [(120, "lost_signal", "raised")]


def test_who_never_comes_back_has_left_after_three_minutes() -> None:
    training = open_class(member(1), member(2))
    training.beat(300, m1=lambda second: 120 + second % 3 if second < 60 else None, m2=wobbling(120))
    assert [(at, event) for at, _, event in training.story] == [
        (79, "raised"),
        (139, "repeated 1"),
        (199, "repeated 2"),
        (239, "cleared"),
    ]


def test_a_silent_room_is_one_alert_and_not_one_for_everybody() -> None:
    training = open_class(*(member(n) for n in range(1, 5)))
    rates: dict[str, Rates] = {f"m{n}": lambda s: None if 60 <= s < 90 else 120 + s % 3 for n in range(1, 5)}
    training.beat(100, **rates)
    assert training.story == [(79, "lost_signal", "raised"), (90, "lost_signal", "cleared")]
    assert training.told[0][1].member_id is None
    assert training.told[0][1].alert.message == "No signal from anybody in the class for 20 s"


def test_class_intensity_too_low_and_too_high() -> None:
    people = [member(n) for n in range(1, 5)]
    training = open_class(*people, limits=ClassLimits(intensity_low=3, intensity_high=8, attendance_low=0))
    rate = stepping((0, 85), (600, 130), (900, 176), (1200, 140))
    training.beat(1500, **{f"m{n}": rate for n in range(1, 5)})
    events = [(rule, event) for _, rule, event in training.story if not event.startswith("repeated")]
    assert events == [
        ("class_intensity_low", "raised"),
        ("class_intensity_low", "cleared"),
        ("class_intensity_high", "raised"),
        ("class_intensity_high", "cleared"),
    ]
    low, high = (alert for _, alert in training.told if alert.version == 1)
    assert low.member_id is None
    assert low.alert.message == "Class intensity is 2.0 of 10, lower than the expected 3.0"
    assert low.raised_at_ms > STARTED_MS + 300_000
    assert high.alert.severity == "warning"


def test_low_attendance_after_ten_minutes_until_enough_have_come() -> None:
    training = open_class(*(member(n) for n in range(1, 5)), limits=ClassLimits(intensity_low=0, intensity_high=10))
    training.beat(650, m1=wobbling(120), m2=wobbling(120))
    training.app(CheckedIn, member_id=3)
    training.beat(700, m1=wobbling(120), m2=wobbling(120))
    assert training.story == [(600, "low_attendance", "raised"), (650, "low_attendance", "cleared")]
    assert training.told[0][1].alert.message == "Low attendance: 50% of the roster, below 70%"


def test_an_alert_is_repeated_every_minute_until_somebody_acknowledges_it() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(160, m1=wobbling(185))
    acknowledge = {"alert_id": training.told[0][1].alert_id, "actor_id": 3, "actor_name": "Tom"}
    training.app(AlertAcknowledged, **acknowledge)
    training.app(AlertAcknowledged, **acknowledge)
    training.beat(300, m1=wobbling(185))
    assert [(at, event) for at, _, event in training.story] == [
        (11, "raised"),
        (71, "repeated 1"),
        (131, "repeated 2"),
        (160, "acknowledged"),
    ]
    assert training.told[-1][1].acknowledged_by == "Tom"
    versions = [alert.version for _, alert in training.told]
    assert versions == sorted(set(versions))


def test_repetition_ends_after_five_times() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(600, m1=wobbling(185))
    assert [event for _, _, event in training.story] == ["raised", *(f"repeated {n}" for n in range(1, 6))]


def test_what_was_acknowledged_still_clears_and_may_be_acknowledged_after_it_cleared() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(40, m1=stepping((0, 185), (20, 150)))
    training.app(AlertAcknowledged, alert_id=training.told[0][1].alert_id, actor_id=3)
    alert = training.told[-1][1]
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_at_ms) == ("cleared", "user 3", STARTED_MS + 40_000)


def test_an_acknowledgement_of_nothing_is_passed_over() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.app(AlertAcknowledged, alert_id="no-such-alert", actor_id=3)
    assert training.story == []


def test_an_acknowledgement_that_came_before_its_alert_is_remembered() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.app(AlertAcknowledged, alert_id=f"{SESSION}:1:hrh:10", actor_id=3)
    training.beat(20, m1=wobbling(185))
    assert [event for _, _, event in training.story] == ["raised", "acknowledged"]


def test_a_pause_holds_alerts_back() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(20, m1=wobbling(150))
    training.app(SessionPaused)
    training.beat(60, m1=stepping((0, 150), (25, 185)))
    assert training.story == []
    training.app(SessionResumed)
    training.beat(80, m1=wobbling(185))
    assert training.story == [(72, "heart_rate_high", "raised")]


def test_values_that_were_old_when_they_came_raise_nothing() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.now_s = 110
    training.second([reading(1, at * 1000, heart_rate_bpm=190 + at % 3, received=70_000) for at in range(100)])
    assert training.story == []


def test_the_end_of_the_session_ends_its_alerts_and_raises_none() -> None:
    training = open_class(limited(heart_rate_high_bpm=180))
    training.beat(30, m1=wobbling(185))
    training.shard.put_session(replace(training.record, state="completed", ended_at_ms=STARTED_MS + 30_000))
    training.collect()
    training.beat(80, m1=wobbling(185))
    assert training.story == [(11, "heart_rate_high", "raised"), (30, "heart_rate_high", "cleared")]
    (summary,) = training.shard.take_summaries()
    assert (summary.alerts, summary.members[0].alerts) == (1, 1)


def test_a_changed_limit_applies_at_once_and_a_removed_one_ends_its_alert() -> None:
    training = open_class(limited(heart_rate_high_bpm=190))
    training.beat(30, m1=wobbling(185))
    training.shard.put_session(replace(training.record, participants=(limited(heart_rate_high_bpm=180),)))
    training.beat(60, m1=wobbling(185))
    training.shard.put_session(replace(training.record, participants=(limited(heart_rate_high_bpm=None),)))
    training.beat(70, m1=wobbling(185))
    assert training.story == [(40, "heart_rate_high", "raised"), (60, "heart_rate_high", "cleared")]


def test_ids_fit_their_field_and_codes_are_unlike() -> None:
    codes = [rule.code for rule in RULES.values()]
    assert len(set(codes)) == len(codes)
    training = open_class(member(2**53 - 1, limits=Limits(heart_rate_high_bpm=100)))
    for at in range(600_000, 600_030):
        training.now_s = at
        training.second([reading(2**53 - 1, at * 1000, heart_rate_bpm=120 + at % 3)])
    acknowledged = {"event_id": "12345678", "session_id": SESSION, "event_time_ms": 0, "alert_id": training.told[0][1].alert_id}
    msgspec.convert(acknowledged | {"type": "alert_acknowledged"}, AlertAcknowledged)


@pytest.mark.parametrize("name", ["Chris", "Max", "Anna"])
def test_names_in_the_possessive(name: str) -> None:
    training = open_class(replace(limited(heart_rate_high_bpm=180), name=name, sex=None))
    training.beat(15, m1=wobbling(185))
    whose = f"{name}'s" if name == "Anna" else f"{name}'"
    assert training.told[0][1].alert.message == f"{whose} heart rate is 186, above their limit of 180, for 10 s"


def test_an_outlier_and_a_dropout_do_not_make_a_rule_begin_anew() -> None:
    training = open_class(limited(heart_rate_zone_high=3))
    disturbed: dict[int, int | None] = {40: 130, 41: 130, **dict.fromkeys(range(50, 60))}
    training.beat(100, m1=lambda s: disturbed.get(s, 156 + s % 3) if s >= 30 else 140 + s % 3)
    assert training.story == [(61, "heart_rate_above_zone", "raised")]


def test_what_was_hardly_seen_is_not_told() -> None:
    training = open_class(limited(heart_rate_zone_high=3))
    training.beat(200, m1=lambda s: 156 + s % 3 if s % 14 == 0 else None)
    assert training.story == []


def test_the_first_and_the_last_part_of_a_plan_are_warm_up_and_cool_down() -> None:
    plan = (
        Segment(name="Einrollen", duration_s=120),
        Segment(name="Berg", duration_s=240),
        Segment(name="Ausrollen", duration_s=120),
    )
    training = open_class(limited(heart_rate_zone_low=2), segments=plan)
    training.beat(480, m1=stepping((0, 90), (200, 130), (350, 90)))
    assert training.story == [(181, "heart_rate_below_zone", "raised"), (212, "heart_rate_below_zone", "cleared")]


def test_a_pause_moves_the_end_of_the_warm_up() -> None:
    training = open_class(limited(heart_rate_zone_low=2))
    training.beat(100, m1=wobbling(90))
    training.app(SessionPaused)
    training.beat(160, m1=wobbling(90))
    training.app(SessionResumed)
    training.beat(450, m1=wobbling(90))
    assert training.story == [(421, "heart_rate_below_zone", "raised")]


def test_who_stops_to_drink_is_not_told_to_add_resistance() -> None:
    training = open_class(limited(power_zone_low=3))
    for _ in range(600):
        watts = 0 if 400 <= training.now_s < 500 else 170
        training.second([reading(1, training.now_s * 1000, power_watts=watts)])
    assert training.story == []


def test_jumps_of_a_foot_pod_are_nobodys_pace() -> None:
    training = open_class(limited(pace_target_s_per_km=300))
    for _ in range(600):
        mps = 9.0 if training.now_s % 12 < 3 else 1000 / 300
        training.second([reading(1, training.now_s * 1000, speed_mps=mps)])
    assert training.story == []


def test_a_power_limit_that_is_gone_ends_its_alert() -> None:
    training = open_class(limited(power_zone_high=2))
    for _ in range(60):
        training.second([reading(1, training.now_s * 1000, power_watts=250)])
    training.shard.put_session(replace(training.record, participants=(limited(),)))
    for _ in range(5):
        training.second([reading(1, training.now_s * 1000, power_watts=250)])
    assert [(rule, event) for _, rule, event in training.story] == [
        ("power_above_zone", "raised"),
        ("power_above_zone", "cleared"),
    ]


def test_a_silent_room_is_one_alert_although_its_last_values_are_apart() -> None:
    training = open_class(*(member(n) for n in range(1, 5)))
    last = {1: 60, 2: 61, 3: 63, 4: 66}
    back = {1: 92, 2: 90, 3: 95, 4: 91}
    rates: dict[str, Rates] = {
        f"m{n}": lambda s, n=n: None if last[n] <= s < back[n] else 120 + s % 3  # type: ignore[misc]  # n is bound
        for n in last
    }
    training.beat(130, **rates)
    assert [(rule, event) for _, rule, event in training.story] == [("lost_signal", "raised"), ("lost_signal", "cleared")]
    assert training.told[0][1].member_id is None
