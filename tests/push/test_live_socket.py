"""The live WebSocket in a real server on a real Kafka, spoken to by a stock client."""

import asyncio
import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from msgspec.structs import replace

from infra.settings import Settings
from tests.push.gym import Gym, ending, hear, hello, say, silence, soon
from tests.push.samples import alert, check_in, delta, keyframe, marker, note
from tests.running import free_ports, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module", params=["raw", "plain"])
def gym(kafka_only: Settings, request: pytest.FixtureRequest) -> Iterator[Gym]:
    """The server in both ways of writing: frames made once, and the ASGI path of any server."""
    place = Gym(kafka_only, free_ports(1)[0], plain=request.param == "plain")
    with place.running():
        yield place


async def test_hello_is_answered_with_who_one_is_and_what_one_reads(gym: Gym) -> None:
    held = gym.desk.start_session()
    async with gym.client() as socket:
        welcome = await hello(
            socket,
            gym.token(),
            {"channel": f"alerts:{held.session_id}"},
            {"channel": f"metrics:{held.session_id}"},
            {"channel": "user:4"},
            {"channel": "chat:nowhere"},
        )
    assert welcome["type"] == "welcome"
    assert welcome["user"] == {"id": 3, "name": "Tess", "role": "trainer"}
    assert welcome["heartbeat_s"] == 10
    alerts, metrics, foreign, unknown = welcome["subscriptions"]
    assert alerts["mode"] == "stream"
    assert len(alerts["epoch"]) == 16
    assert metrics["mode"] == "cache"
    assert foreign["error"]["code"] == "forbidden"
    assert unknown["error"]["code"] == "unknown_channel"


async def test_metrics_alerts_and_events_arrive_in_their_documented_types(gym: Gym) -> None:
    held = gym.desk.start_session()
    sid = held.session_id
    async with gym.client() as socket:
        await hello(socket, gym.token(), *({"channel": f"{kind}:{sid}"} for kind in ("metrics", "alerts", "events")))
        gym.desk.put(keyframe(1, {"heart_rate_bpm": [100, 110]}, session_id=sid))
        key = await hear(socket, "metrics_update")
        gym.desk.put(delta(2, (1,), {"heart_rate_bpm": [111]}, session_id=sid))
        change = await hear(socket, "metrics_update")
        gym.desk.put(alert(1, session_id=sid))
        raised = await hear(socket, "alert")
        gym.desk.put(marker(1, sid))
        event = await hear(socket, "session_event")
    assert (key["kind"], key["columns"]) == ("key", {"heart_rate_bpm": [100, 110]})
    assert (change["kind"], change["from"], change["rows"]) == ("delta", key["version"], [1])
    assert raised["alert"]["threshold"] == 180
    assert event["event"]["type"] == "marker_added"
    assert gym.get(f"/live/{sid}")["columns"] == {"heart_rate_bpm": [100, 111]}


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_bad_token_is_refused_with_4401(gym: Gym, token: str) -> None:
    async with gym.client() as socket:
        await say(socket, {"type": "hello", "token": token})
        bye, code = await ending(socket)
    assert (bye["type"], bye["code"], code) == ("bye", 4401, 4401)
    assert "token" in bye["reason"]


async def test_a_page_of_a_foreign_origin_is_refused_and_a_named_one_let_in(gym: Gym) -> None:
    async with gym.client(origin="https://evil.example") as socket:
        bye, code = await ending(socket)
        assert (bye["reconnect"], code) == (False, 4403)
    for origin in ("https://wall.example", f"http://127.0.0.1:{gym.settings.api_port}"):
        async with gym.client(origin=origin) as socket:
            assert (await hello(socket, gym.token()))["type"] == "welcome"


async def test_a_member_reads_only_sessions_they_take_part_in_and_only_what_concerns_them(gym: Gym) -> None:
    own, foreign = gym.desk.start_session((17, 18)), gym.desk.start_session((18,))
    sid = own.session_id
    async with gym.client() as socket:
        wanted = [f"metrics:{sid}", f"alerts:{sid}", f"events:{sid}", f"alerts:{foreign.session_id}"]
        welcome = await hello(socket, gym.token(17, "member"), *({"channel": channel} for channel in wanted))
        assert welcome["subscriptions"][3]["error"]["code"] == "forbidden"
        gym.desk.put(keyframe(1, {"zone": [1, 2]}, session_id=sid))
        first = await hear(socket)
        assert (first["members"], first["columns"], first["class_metrics"]) == ([17], {"zone": [1]}, None)
        gym.desk.put(delta(2, (1,), {"zone": [3]}, session_id=sid))
        for number, member in ((1, 18), (2, None), (3, 17)):
            gym.desk.put(alert(number, member, sid))
        assert (await hear(socket))["alert_id"] == "alert-00000003"
        for event in (check_in(1, 18, sid), note(2, 17, sid), marker(3, sid)):
            gym.desk.put(event)
        assert (await hear(socket))["event"]["event_id"] == "marker-000003"
        await silence(socket)


async def test_who_leaves_the_roster_stops_reading(gym: Gym) -> None:
    held = gym.desk.start_session((17, 18))
    channel = f"alerts:{held.session_id}"
    async with gym.client() as socket:
        await hello(socket, gym.token(17, "member"), {"channel": channel})
        gym.desk.put_record(replace(held, participants=()))
        gone = await hear(socket)
        assert (gone["type"], gone["channel"], gone["error"]["code"]) == ("unsubscribed", channel, "forbidden")
        gym.desk.put(alert(1, 17, held.session_id))
        await silence(socket)


async def test_a_plain_client_with_a_header_is_given_what_concerns_it(gym: Gym) -> None:
    me = 901 if gym.plain else 902
    held = gym.desk.start_session((me, 903))
    header = {"Authorization": f"Bearer {gym.token(me, 'member')}"}
    async with gym.client(additional_headers=header) as socket:
        welcome = await hear(socket)
        channels = [told["channel"] for told in welcome["subscriptions"]]
        assert channels == [f"user:{me}", *(f"{kind}:{held.session_id}" for kind in ("events", "alerts", "metrics"))]
        gym.desk.put(alert(1, me, held.session_id))
        assert (await hear(socket))["type"] == "alert"
        later = gym.desk.start_session((me,))
        wait_until(lambda: gym.get(f"/state/{later.session_id}")["complete"], "the hub knows the new session")
        gym.desk.put(alert(2, me, later.session_id))
        assert (await hear(socket))["channel"] == f"alerts:{later.session_id}"


async def test_a_session_that_begins_a_moment_later_is_waited_for(gym: Gym) -> None:
    record = gym.desk.start_session()
    unknown = str(uuid4())
    async with gym.client() as socket:
        await hello(socket, gym.token())
        coming = type(record)(
            **{f: getattr(record, f) for f in record.__struct_fields__} | {"session_id": unknown[:-4] + "beef"}
        )
        await say(socket, {"type": "subscribe", "id": 1, "channel": f"alerts:{coming.session_id}"})
        await say(socket, {"type": "subscribe", "id": 2, "channel": f"alerts:{unknown}"})
        await asyncio.sleep(0.2)
        gym.desk.put_record(coming)
        assert (await hear(socket))["subscription"]["channel"] == f"alerts:{coming.session_id}"
        refused = await hear(socket)
        assert (refused["id"], refused["error"]["code"], refused["error"]["temporary"]) == (2, "unknown_session", True)


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


async def test_a_token_is_asked_for_before_it_expires_and_the_socket_ends_with_it(gym: Gym) -> None:
    async with gym.client() as socket, gym.client() as renewed:
        await hello(socket, gym.token(clock=soon(4)))
        await hello(renewed, gym.token(clock=soon(4)))
        assert (await hear(socket))["expires_in_s"] <= 4
        await hear(renewed, "refresh")
        await say(renewed, {"type": "token", "token": gym.token()})
        bye, code = await ending(socket)
        assert (bye["code"], bye["reconnect"], code) == (4401, True, 4401)
        await say(renewed, {"type": "ping", "id": 5})
        assert (await hear(renewed))["id"] == 5


async def test_a_new_token_of_another_user_ends_the_socket(gym: Gym) -> None:
    async with gym.client() as socket:
        await hello(socket, gym.token())
        await say(socket, {"type": "token", "token": gym.token(4)})
        assert (await ending(socket))[1] == 4401


@pytest.mark.parametrize("frame", ["{", '{"type":"dance"}', '{"type":"subscribe","channel":5}'])
async def test_a_frame_that_is_not_understood_is_told_in_words_before_the_close(gym: Gym, frame: str) -> None:
    async with gym.client() as socket:
        await hello(socket, gym.token())
        await socket.send(frame)
        told = await hear(socket)
        assert told["error"]["code"] == "bad_frame"
        assert "not understood" in told["error"]["message"]
        bye, code = await ending(socket)
        assert (bye["reconnect"], code) == (False, 4440)


async def test_bytes_and_oversized_frames_are_refused(gym: Gym) -> None:
    async with gym.client() as socket:
        await hello(socket, gym.token())
        await socket.send(b"\x00\x01")
        assert (await ending(socket))[1] == 4440
    async with gym.client() as socket:
        await hello(socket, gym.token())
        await socket.send('{"type":"ping","x":"' + "y" * 70_000 + '"}')
        assert (await ending(socket))[1] in {1009, 4440}


async def test_a_flood_of_frames_is_refused_and_then_ends_the_socket(gym: Gym) -> None:
    async with gym.client() as socket:
        await hello(socket, gym.token())
        for number in range(200):
            await say(socket, {"type": "ping", "id": number})
        replies = [await hear(socket) for _ in range(62)]
        assert [reply["ok"] for reply in replies[:60]] == [True] * 60
        bye, code = await ending(socket)
        assert (bye["code"], bye["reconnect"], code) == (4429, True, 4429)


async def test_a_user_has_at_most_ten_sockets(gym: Gym) -> None:
    sockets = [await gym.client().__aenter__() for _ in range(11)]
    welcomes = [await hello(socket, gym.token(777)) for socket in sockets[:10]]
    assert all(message["type"] == "welcome" for message in welcomes)
    await say(sockets[10], {"type": "hello", "token": gym.token(777)})
    assert (await ending(sockets[10]))[1] == 4429
    await sockets[0].close()
    async with gym.client() as again:
        assert (await hello(again, gym.token(777)))["type"] == "welcome"
    for socket in sockets:
        await socket.close()


async def test_a_socket_reads_at_most_128_channels(gym: Gym) -> None:
    sessions = [gym.desk.start_session().session_id for _ in range(65)]
    wanted = [{"channel": f"{kind}:{sid}"} for sid in sessions for kind in ("alerts", "events")]
    async with gym.client() as socket:
        welcome = await hello(socket, gym.token(), *wanted[:128])
        assert not [told for told in welcome["subscriptions"] if "error" in told]
        await say(socket, {"type": "subscribe", "id": 1, "channel": wanted[128]["channel"]})
        assert (await hear(socket))["error"]["code"] == "too_many"
        await say(socket, {"type": "unsubscribe", "id": 2, "channel": wanted[0]["channel"]})
        assert (await hear(socket))["ok"]
        await say(socket, {"type": "subscribe", "id": 3, "channel": wanted[128]["channel"]})
        assert (await hear(socket))["ok"]


async def test_a_client_that_lost_its_base_asks_for_the_whole(gym: Gym) -> None:
    sid = gym.desk.start_session().session_id
    async with gym.client() as socket:
        await hello(socket, gym.token(), {"channel": f"metrics:{sid}"})
        gym.desk.put(keyframe(1, {"zone": [1, 2]}, session_id=sid))
        await hear(socket, "metrics_update")
        await say(socket, {"type": "key", "channel": f"metrics:{sid}"})
        again = await hear(socket, "metrics_update")
        assert (again["kind"], again["columns"]) == ("key", {"zone": [1, 2]})


async def test_a_user_hears_what_is_told_to_them_and_to_nobody_else(gym: Gym) -> None:
    async with gym.client() as socket, gym.client() as other:
        await hello(socket, gym.token(), {"channel": "user:3"})
        await hello(other, gym.token(4), {"channel": "user:4"})
        gym.post("/tell/3")
        message = await hear(socket)
        assert (message["type"], message["message"]["text"], message["message"]["from"]) == ("message", "Great pace!", "Tess")
        await silence(other)


async def test_the_welcome_comes_before_anything_of_its_channels(gym: Gym) -> None:
    known, unknown = gym.desk.start_session().session_id, str(uuid4())
    async with gym.client() as socket:
        wanted = [{"channel": f"alerts:{known}"}, {"channel": f"alerts:{unknown}"}]
        await say(socket, {"type": "hello", "token": gym.token(), "subscriptions": wanted})
        for number in range(10):
            gym.desk.put(alert(number, session_id=known))
            await asyncio.sleep(0.05)
        welcome = await hear(socket)
        assert welcome["type"] == "welcome"
        assert welcome["subscriptions"][1]["error"]["code"] == "unknown_session"


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
