"""The live WebSocket in a real server on a real Kafka, spoken to by a stock client."""

import asyncio
from uuid import uuid4

import pytest
from msgspec.structs import replace

from tests.push.gym import Gym, ending, hear, hello, say, silence, soon
from tests.push.samples import alert, check_in, delta, keyframe, marker, message_to, note
from tests.running import wait_until

pytestmark = pytest.mark.servers


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


async def test_a_token_is_asked_for_before_it_expires_and_the_socket_ends_with_it(gym: Gym) -> None:
    async with gym.client() as socket, gym.client() as renewed:
        await hello(socket, gym.token(clock=soon(3)))
        await hello(renewed, gym.token(clock=soon(3)))
        assert (await hear(socket))["expires_in_s"] <= 3
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


async def test_a_user_hears_messages_to_them_and_nobody_else_does_and_gets_those_missed(gym: Gym) -> None:
    first = 8_100 if gym.plain else 8_200
    me, neighbour, stranger = range(first, first + 3)
    async with gym.client() as socket, gym.client() as other:
        welcome = await hello(socket, gym.token(me, "member"), {"channel": f"user:{me}"})
        await hello(other, gym.token(stranger, "member"), {"channel": f"user:{stranger}"})
        gym.desk.put(message_to(me, neighbour, whole_class=True))
        message = await hear(socket)
        assert (message["type"], message["message"]["text"], message["message"]["from"]) == ("message", "Great pace!", "3")
        await silence(other)
    for number in (2, 3):
        gym.desk.put(message_to(me, number=number))
    gym.desk.flush()
    position = {"epoch": welcome["subscriptions"][0]["epoch"], "offset": message["offset"]}
    async with gym.client() as socket:
        welcome = await hello(socket, gym.token(me, "member"), {"channel": f"user:{me}", **position})
        assert welcome["subscriptions"][0]["recovered"]
        assert [(await hear(socket))["message"]["id"] for _ in (2, 3)] == ["message-000002", "message-000003"]


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


async def test_the_sockets_of_a_sign_in_that_ended_are_closed(gym: Gym) -> None:
    tag = uuid4().hex
    async with gym.client() as ended, gym.client() as other:
        await hello(ended, gym.token(sign_in=tag))
        await hello(other, gym.token())
        gym.post(f"/sign-out/{tag}")
        bye, code = await ending(ended)
        assert (bye["code"], bye["reconnect"], code) == (4401, True, 4401)
        await say(other, {"type": "ping", "id": 1})
        assert (await hear(other))["id"] == 1
