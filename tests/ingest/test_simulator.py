from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.simulator.class_simulation import ClassSimulation, Scenario
from ingest.simulator.control_page import control_app
from ingest.simulator.plan import EffortPlan
from ingest.simulator.straps import NO_FAULTS, STORED_EVENTS_MAX, Faults, Strap
from schemas.directory import Limits, Participant
from schemas.events import Cadence, DeviceEvent, HeartRate, Power, Speed, Steps, device_event_decoder
from tests.recordings import FLOORS, START_MS

WORST = Faults(dropouts=200, outliers=60, doubled_share=0.2, skew_ms=900)


def people(count: int, **limits: object) -> list[Participant]:
    return [
        Participant(
            member_id=i,
            name=f"Member {i}",
            max_heart_rate_bpm=180 + i % 12,
            resting_heart_rate_bpm=52 + i % 9,
            ftp_watts=180 + 5 * (i % 10),
            heart_rate_zone_floors_bpm=FLOORS,
            limits=Limits(**{"heart_rate_high_bpm": 172, **limits}),  # type: ignore[arg-type] # fields of Limits
        )
        for i in range(1, count + 1)
    ]


def simulate(
    seconds: int,
    members: Sequence[Participant],
    *,
    kind: str = "spinning",
    seed: int = 1,
    scenario: Scenario = "ordinary",
    faults: Faults = NO_FAULTS,
) -> list[list[DeviceEvent]]:
    """What arrives in each second."""
    made = ClassSimulation(members, class_type=kind, seed=seed, run="run", scenario=scenario, faults=faults)
    arrived: list[list[DeviceEvent]] = []
    for second in range(seconds):
        made.advance(START_MS + second * 1000)
        arrived.append([event for events in iter(lambda: made.take(1_000), []) for event in events])
    return arrived


def hearts(arrived: list[list[DeviceEvent]]) -> np.ndarray:
    """Heart rates by member and second; for a class without faults."""
    rows: dict[int, list[int]] = defaultdict(list)
    for events in arrived:
        for event in events:
            if isinstance(event, HeartRate):
                rows[event.member_id].append(event.heart_rate_bpm)
    return np.array([rows[member] for member in sorted(rows)])


def test_the_same_seed_gives_the_same_class_and_another_one_another() -> None:
    assert simulate(60, people(5), faults=WORST) == simulate(60, people(5), faults=WORST)
    assert simulate(60, people(5), faults=WORST) != simulate(60, people(5), faults=WORST, seed=2)


def test_every_event_is_one_that_the_gateway_takes() -> None:
    import msgspec

    for kind in ("spinning", "running", "yoga"):
        for event in [event for events in simulate(120, people(6), kind=kind, faults=WORST) for event in events]:
            assert device_event_decoder.decode(msgspec.json.encode(event)) == event


@pytest.mark.parametrize(
    ("kind", "measured"),
    [("spinning", {HeartRate, Power, Cadence}), ("running", {HeartRate, Speed, Steps}), ("yoga", {HeartRate})],
)
def test_devices_measure_what_the_class_type_has(kind: str, measured: set[type]) -> None:
    assert {type(event) for events in simulate(15, people(2), kind=kind) for event in events} == measured


def test_an_ordinary_class_stays_below_every_limit_and_trains_in_the_expected_range() -> None:
    members = people(20)
    rates = hearts(simulate(1_500, members))
    assert (rates < 172).all()
    rest = np.array([[p.resting_heart_rate_bpm] for p in members])
    reserve = np.array([[p.max_heart_rate_bpm] for p in members]) - rest
    intensity = 10 * ((rates - rest) / reserve).mean(axis=0)
    by_minute = intensity.reshape(-1, 60).mean(axis=1)
    assert 3 < by_minute.min() < by_minute.max() < 8
    assert np.abs(np.diff(rates, axis=1)).max() <= 12


def test_hearts_follow_the_plan_with_a_lag_and_drift() -> None:
    rates = hearts(simulate(2_400, people(12))).mean(axis=0)
    work, rest = rates[2_090:2_100].mean(), rates[2_190:2_200].mean()
    plan = EffortPlan([], 3600)
    assert (plan.effort_at(2_050), plan.effort_at(2_150)) == (0.74, 0.56)
    assert rates[540:660].mean() < work, "harder than the warm-up"
    assert work - rest > 5
    assert rates[2_025] < work - 3, "the heart needs time"
    early, late = rates[745:750].mean(), rates[2_005:2_010].mean()
    assert 0.5 < late - early < 8


def test_beats_fit_the_heart_rate_and_vary_less_the_harder_it_works() -> None:
    arrived = simulate(900, people(1))
    events = [event for second in arrived for event in second if isinstance(event, HeartRate)]
    beats = np.array([interval for event in events for interval in event.rr_ms])
    assert abs(beats.sum() - 900_000) < 2_000
    halves = [beats[: len(beats) // 3], beats[-len(beats) // 3 :]]
    easy, hard = (float(np.sqrt(np.mean(np.diff(part) ** 2))) for part in halves)
    assert 1 < hard < easy < 60
    assert np.mean(60_000 / beats) == pytest.approx(np.mean([event.heart_rate_bpm for event in events]), rel=0.02)


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_in_the_demo_one_member_passes_the_limit_after_a_minute_and_recovers(seed: int) -> None:
    rates = hearts(simulate(180, people(20), scenario="demo", seed=seed))
    above = rates >= 172
    assert above.any(axis=1).sum() == 1
    seconds = np.flatnonzero(above.any(axis=0))
    assert 58 <= seconds[0] <= 90
    assert 30 <= len(seconds) <= 60
    assert seconds[-1] < 120
    calm = rates[above.any(axis=1)][0, 120:]
    assert calm.max() < 172 - 5


def test_a_power_limit_is_respected_so_that_it_raises_nothing() -> None:
    members = people(6, power_zone_low=2, power_zone_high=4)
    for event in [event for second in simulate(1_200, members) for event in second if isinstance(event, Power)]:
        ftp = members[event.member_id - 1].ftp_watts or 0
        assert 0.55 * ftp <= event.power_watts <= 1.05 * ftp


def test_dropouts_outliers_doubles_and_skew_happen_as_often_as_asked() -> None:
    arrived = simulate(600, people(20), faults=Faults(dropouts=30, outliers=6, doubled_share=0.01, skew_ms=400))
    events = [event for second in arrived for event in second if isinstance(event, HeartRate)]
    by_member: dict[int, dict[int, HeartRate]] = defaultdict(dict)
    for event in events:
        by_member[event.member_id][event.event_time_ms] = event
    doubled = sum(count - 1 for count in Counter(event.event_id for event in events).values())
    assert 0.002 < doubled / len(events) < 0.03
    offsets = {min(held) % 1000 for held in by_member.values()}
    assert len(offsets) > 10
    series = [[held[time].heart_rate_bpm for time in sorted(held)] for held in by_member.values()]
    jumps = sum(b - a > 35 for rates in series for a, b in pairwise(rates))
    assert 5 < jumps < 60
    missing = sum(600 - len(held) for held in by_member.values())
    late = sum(START_MS + second * 1000 - e.event_time_ms > 6_000 for second, es in enumerate(arrived) for e in es)
    assert missing > 50
    assert late > 50


def second_of(simulation: ClassSimulation, index: int) -> None:
    simulation.advance(START_MS + index * 1000)


def test_a_strap_that_was_off_sends_what_it_stored_late_and_in_order() -> None:
    made = ClassSimulation(people(3), class_type="spinning", seed=1, run="run", faults=NO_FAULTS)
    made.straps[1].online = False
    for index in range(30):
        second_of(made, index)
        assert {event.member_id for event in made.take(1_000)} == {1, 3}
    made.straps[1].online = True
    second_of(made, 30)
    late = [event for event in made.take(1_000) if event.member_id == 2]
    assert [event.event_time_ms for event in late] == [START_MS + index * 1000 for index in range(31) for _ in range(3)]


def test_a_strap_without_memory_loses_what_it_measured_while_off() -> None:
    made = ClassSimulation(people(1), class_type="yoga", seed=1, run="run", faults=NO_FAULTS, stores=False)
    made.straps[0].online = False
    for index in range(30):
        second_of(made, index)
    made.straps[0].online = True
    second_of(made, 30)
    assert [event.event_time_ms for event in made.take(100)] == [START_MS + 30_000]
    assert made.straps[0].forgotten == 30


def test_what_a_strap_stores_is_bounded_and_the_oldest_goes() -> None:
    made = ClassSimulation(people(1), class_type="spinning", seed=1, run="run", faults=NO_FAULTS)
    made.straps[0].online = False
    for index in range(STORED_EVENTS_MAX // 3 + 100):
        second_of(made, index)
    assert (made.straps[0].waiting, made.straps[0].forgotten) == (STORED_EVENTS_MAX, 300)


@pytest.fixture
def straps() -> list[Strap]:
    return [Strap(member.member_id, name, "run", 0) for member, name in zip(people(2), ["Ada", "<b>Bo</b>"], strict=True)]


def asking(straps: list[Strap]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(control_app("Spin", straps)), base_url="http://127.0.0.1:1")


async def test_the_control_page_switches_a_straps_network(straps: list[Strap]) -> None:
    client = asking(straps)
    assert (await client.post("/straps/2", json={"online": False})).json() == {
        "member_id": 2,
        "name": "<b>Bo</b>",
        "online": False,
        "waiting": 0,
    }
    assert [strap.online for strap in straps] == [True, False]
    assert [strap["online"] for strap in (await client.get("/straps")).json()["straps"]] == [True, False]
    page = await client.get("/")
    assert "&lt;b&gt;Bo&lt;/b&gt;" in page.text
    assert page.text.count('role="switch"') == 2
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await client.get("/control.js")).status_code == (await client.get("/control.css")).status_code == 200


async def test_the_control_page_is_deaf_to_other_sites_and_bad_requests(straps: list[Strap]) -> None:
    client = asking(straps)
    assert (
        await client.post("/straps/1", content='{"online": false}', headers={"Content-Type": "text/plain"})
    ).status_code == 415
    assert (await client.post("/straps/1", json={"online": "no"})).status_code == 422
    assert (await client.post("/straps/9", json={"online": False})).status_code == 404
    rebound = await client.post("/straps/1", json={"online": False}, headers={"Host": "evil.example:1"})
    assert rebound.status_code == 421
    assert all(strap.online for strap in straps)
