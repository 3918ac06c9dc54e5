"""What clients miss, and how they come by it: resuming, standing still, falling behind, a server that dies."""

import asyncio
import signal
import time

import pytest
from msgspec.structs import replace

from infra.settings import Settings
from tests.push.gym import Gym, ending, hear, hello, say, silence
from tests.push.samples import alert, delta, keyframe, marker
from tests.running import free_ports, wait_until

pytestmark = pytest.mark.servers


async def test_a_client_that_comes_back_gets_exactly_what_it_missed(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    channel = f"alerts:{sid}"
    async with gym.client() as socket:
        welcome = await hello(socket, gym.token(), {"channel": channel})
        gym.desk.put(alert(1, session_id=sid))
        seen = await hear(socket, "alert")
    for number in range(2, 12):
        gym.desk.put(alert(number, session_id=sid))
    gym.desk.flush()
    epoch = welcome["subscriptions"][0]["epoch"]
    async with gym.client() as socket:
        wait_until(lambda: len(gym.get(f"/state/{sid}")["alerts"]) == 11, "the hub has read the alerts")
        welcome = await hello(socket, gym.token(), {"channel": channel, "epoch": epoch, "offset": seen["offset"]})
        told = welcome["subscriptions"][0]
        assert (told["recovered"], told["replayed"], told["offset"]) == (True, 10, seen["offset"])
        missed = [await hear(socket) for _ in range(10)]
        assert [m["alert_id"] for m in missed] == [f"alert-{n:08d}" for n in range(2, 12)]
        assert [m["previous"] for m in missed] == [seen["offset"], *(m["offset"] for m in missed[:-1])]
        await silence(socket)


async def test_a_position_of_another_log_is_not_recovered_and_names_the_state(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    async with gym.client() as socket:
        welcome = await hello(socket, gym.token(), {"channel": f"alerts:{sid}", "epoch": "f" * 16, "offset": 0})
    told = welcome["subscriptions"][0]
    assert (told["recovered"], told["state"]) == (False, f"/api/v1/live/sessions/{sid}/state")


async def test_a_client_that_lost_its_base_asks_for_the_whole(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    async with gym.client() as socket:
        await hello(socket, gym.token(), {"channel": f"metrics:{sid}"})
        gym.desk.put(keyframe(1, {"zone": [1, 2]}, session_id=sid))
        await hear(socket, "metrics_update")
        await say(socket, {"type": "key", "channel": f"metrics:{sid}"})
        again = await hear(socket, "metrics_update")
        assert (again["kind"], again["columns"]) == ("key", {"zone": [1, 2]})


async def test_the_state_after_a_gap_says_where_it_stands_and_what_is_true(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    for message in (alert(1, session_id=sid), alert(1, session_id=sid, version=2, state="cleared"), marker(1, sid)):
        gym.desk.put(message)
    gym.desk.flush()
    wait_until(lambda: len(gym.get(f"/state/{sid}")["events"]) == 1, "the event was read")
    wait_until(lambda: gym.get(f"/state/{sid}")["alerts"][0]["version"] == 2, "the alert was read")
    state = gym.get(f"/state/{sid}")
    assert state["complete"]
    async with gym.client() as socket:
        welcome = await hello(socket, gym.token(), {"channel": f"alerts:{sid}", **state["channels"][f"alerts:{sid}"]})
        assert welcome["subscriptions"][0]["recovered"]
        await silence(socket, 0.2)


async def test_two_hundred_sockets_open_quickly_and_all_hear_the_same(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    tokens = [gym.token(10_000 + number) for number in range(200)]
    began = time.monotonic()

    async def watch(token: str) -> int:
        async with gym.client(open_timeout=20) as socket:
            assert (await hello(socket, token, {"channel": f"alerts:{sid}"}))["type"] == "welcome"
            opened.append(time.monotonic() - began)
            await everyone.wait()
            heard = [(await hear(socket, "alert"))["alert_id"] for _ in range(5)]
            assert heard == [f"alert-{number:08d}" for number in range(5)]
            return len(heard)

    opened: list[float] = []
    everyone = asyncio.Event()
    watchers = [asyncio.create_task(watch(token)) for token in tokens]
    while len(opened) < 200:
        await asyncio.sleep(0.02)
        assert not [task for task in watchers if task.done() and task.exception()]
        assert time.monotonic() - began < 20
    everyone.set()
    for number in range(5):
        gym.desk.put(alert(number, session_id=sid))
    assert sum(await asyncio.gather(*watchers)) == 1_000
    assert max(opened) < 10


async def test_a_reader_that_stalls_delays_nobody_and_misses_no_alert(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    count, heart_rates = 300, [100, 110]
    channels = [{"channel": f"alerts:{sid}"}, {"channel": f"metrics:{sid}"}]
    async with gym.client(max_queue=1, compression=None) as stalled, gym.client(compression=None) as quick:
        for socket in (stalled, quick):
            await hello(socket, gym.token(), *channels)
        stalled.transport.pause_reading()
        padding = {"name": ["x" * 8_000] * 2}
        gym.desk.put(keyframe(1, {"heart_rate_bpm": heart_rates, **padding}, session_id=sid))
        lag_s: list[float] = []
        for number in range(count):
            sent = time.monotonic()
            gym.desk.put(
                delta(number + 2, (0,), {"heart_rate_bpm": [number], "name": [str(number) + "x" * 8_000]}, session_id=sid)
            )
            gym.desk.put(alert(number, session_id=sid))
            assert (await hear(quick, "alert"))["alert_id"] == f"alert-{number:08d}"
            lag_s.append(time.monotonic() - sent)
        assert sorted(lag_s)[count // 2] < 0.5
        stalled.transport.resume_reading()
        heard: list[str] = []
        updates, newest = 0, None
        while len(heard) < count or newest != count - 1:
            message = await hear(stalled)
            if message["type"] == "alert":
                heard.append(message["alert_id"])
            elif message["type"] == "metrics_update":
                updates += 1
                newest = message["columns"]["heart_rate_bpm"][0]
        assert heard == [f"alert-{number:08d}" for number in range(count)]
        if not gym.plain:
            assert updates < count, "metrics of the time it stood still were merged"


async def test_a_reader_that_falls_off_the_ring_is_told_so(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    async with gym.client(max_queue=1, compression=None) as socket:
        await hello(socket, gym.token(), {"channel": f"alerts:{sid}"})
        socket.transport.pause_reading()
        gaps = 0
        for number in range(900):
            small = alert(number, session_id=sid)
            gym.desk.put(replace(small, alert=replace(small.alert, message="m" * 20_000)))
        gym.desk.flush()
        wait_until(lambda: len(gym.get(f"/state/{sid}")["alerts"]) == 900, "the hub has read all")
        socket.transport.resume_reading()
        before = await hear(socket, "alert")
        while before["alert_id"] != "alert-00000899":
            message = await hear(socket)
            told = message["type"] == "gap"
            if told:
                gaps += 1
                assert message["state"] == f"/api/v1/live/sessions/{sid}/state"
                assert message["offset"] > before["offset"]
                message = await hear(socket, "alert")
            follows = int(message["alert_id"][-8:]) == int(before["alert_id"][-8:]) + 1
            assert follows is not told, "a hole is told, and only a hole"
            before = message
        assert gaps


async def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(kafka_only: Settings) -> None:
    gym = Gym(kafka_only, free_ports(1)[0])
    sid = gym.desk.start_session().session_id
    channels = [f"alerts:{sid}", f"events:{sid}"]
    with gym.running() as process:
        async with gym.client() as socket:
            welcome = await hello(socket, gym.token(), *({"channel": channel} for channel in channels))
            positions = {
                told["channel"]: {"epoch": told["epoch"], "offset": told["offset"]} for told in welcome["subscriptions"]
            }
            for number in range(5):
                gym.desk.put(alert(number, session_id=sid))
                positions[f"alerts:{sid}"]["offset"] = (await hear(socket))["offset"]
            process.send_signal(signal.SIGKILL)
            for number in range(5, 20):
                gym.desk.put(alert(number, session_id=sid))
                gym.desk.put(marker(number, sid))
            gym.desk.flush()
    with gym.running() as process:
        async with gym.client() as socket:
            welcome = await hello(socket, gym.token(), *({"channel": channel, **positions[channel]} for channel in channels))
            assert [told["recovered"] for told in welcome["subscriptions"]] == [True, True]
            heard = [await hear(socket) for _ in range(30)]
            assert [m["alert_id"] for m in heard if m["type"] == "alert"] == [f"alert-{n:08d}" for n in range(5, 20)]
            assert len([m for m in heard if m["type"] == "session_event"]) == 15
            state = gym.get(f"/state/{sid}")
            assert len(state["alerts"]) == 20
            process.send_signal(signal.SIGTERM)
            bye, code = await ending(socket)
            assert (bye["type"], bye["code"], bye["reconnect"], code) == ("bye", 4410, True, 4410)
            assert bye["after_ms"][0] == 0
            assert bye["after_ms"][1] >= 2_000
        assert process.wait(10) in {0, -signal.SIGTERM}
