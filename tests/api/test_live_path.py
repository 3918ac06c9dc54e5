"""What the synthetic member's coming back, late or not at all, says of the live path."""

import pytest

from api.live_path.watch import MISSING_AFTER_S, SLOW_S, Watch
from schemas.synthetic import synthetic_round
from schemas.topics import SESSION_PARTITIONS

SENDER = "aa"
ALL = range(SESSION_PARTITIONS)


def bring_back(
    watch: Watch, number: int, now_s: float, partitions: range | list[int] = ALL, sender: str = SENDER
) -> list[float]:
    """The times of rounds that became whole."""
    sent = synthetic_round(sender, number, 0)
    return [took for at in partitions if (took := watch.came(sent[at].event_id, now_s)) is not None]


def test_a_round_is_back_when_every_partition_has_brought_it() -> None:
    watch = Watch(SENDER, 10, 100)
    assert watch.standing(101).state == "starting"
    number = watch.send(101)
    assert bring_back(watch, number, 101.05, [*ALL][:-1]) == []
    assert watch.standing(101.05).state == "starting"
    assert bring_back(watch, number, 101.1, [*ALL][-1:]) == [pytest.approx(0.1)]
    path = watch.standing(103.1)
    assert (path.state, path.last_ms, path.median_ms, path.back_s_ago) == ("ok", 100, 100, 2.0)
    assert bring_back(watch, number, 104) == [], "what a restarted flow sends once more counts once"


def test_the_median_is_of_the_rounds_that_came_back() -> None:
    watch = Watch(SENDER, 10, 0)
    for at_s, took_s in ((10, 0.1), (20, 0.3), (30, 0.2)):
        bring_back(watch, watch.send(at_s), at_s + took_s)
    path = watch.standing(31)
    assert (path.last_ms, path.median_ms) == (200, 200)


def test_values_of_another_api_are_none_of_ours() -> None:
    watch = Watch(SENDER, 10, 0)
    assert bring_back(watch, watch.send(1), 1.1, sender="bb") == []


def test_it_is_slow_as_soon_as_one_waits_too_long_and_well_again_when_the_next_is_quick() -> None:
    watch = Watch(SENDER, 10, 0)
    bring_back(watch, watch.send(1), 1.1)
    late = watch.send(11)
    assert watch.standing(11 + SLOW_S - 0.1).state == "ok"
    path = watch.standing(11 + SLOW_S + 1)
    assert (path.state, path.problem) == ("slow", "A value needs 3.0 s from the gateway to this API")
    assert "paceline doctor" in path.remedy
    bring_back(watch, late, 15)
    assert watch.standing(16).state == "slow"
    bring_back(watch, watch.send(21), 21.1)
    assert watch.standing(22).state == "ok"


def test_a_round_of_which_a_dead_process_lost_a_part_is_forgotten_with_the_next() -> None:
    watch = Watch(SENDER, 10, 0)
    bring_back(watch, watch.send(1), 1.1, [*ALL][1:])
    assert bring_back(watch, watch.send(11), 11.1) == [pytest.approx(0.1)]
    assert watch.standing(19).state == "ok"


def test_missing_says_which_partition_brings_nothing() -> None:
    watch = Watch(SENDER, 10, 0)
    for at_s in range(1, 40, 10):
        bring_back(watch, watch.send(at_s), at_s + 0.1, [p for p in ALL if p not in {2, 6}])
    path = watch.standing(39)
    assert (path.state, path.last_ms) == ("missing", None)
    assert path.problem == "For 39 s no synthetic value has come back by way of partition 2, 6"
    assert path.remedy.startswith("A flow live has stopped")


def test_missing_says_what_the_door_said_and_is_over_when_a_round_is_back() -> None:
    watch = Watch(SENDER, 10, 0)
    for at_s in range(1, 40, 10):
        watch.refused(watch.send(at_s), "The gateway does not answer", "Start it.")
    assert watch.standing(MISSING_AFTER_S).state == "starting"
    path = watch.standing(39)
    assert (path.state, path.problem, path.remedy) == ("missing", "The gateway does not answer", "Start it.")
    bring_back(watch, watch.send(41), 41.1)
    assert watch.standing(42).state == "ok"
    assert watch.standing(42 + MISSING_AFTER_S).state == "missing", "and again when nothing follows"


def test_missing_says_when_nothing_was_sent_at_all() -> None:
    path = Watch(SENDER, 10, 0).standing(31)
    assert (path.state, path.problem) == ("missing", "For 31 s no synthetic value was sent")


def test_a_long_interval_is_waited_for_three_times() -> None:
    watch = Watch(SENDER, 60, 0)
    bring_back(watch, watch.send(1), 1.1)
    assert [watch.standing(at_s).state for at_s in (60, 181, 182)] == ["ok", "ok", "missing"]


def test_switched_off_it_says_so_and_never_warns() -> None:
    assert Watch(SENDER, 0, 0).standing(10_000).state == "off"
