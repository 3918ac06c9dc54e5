import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from ingest.device_client import StreamUplink
from ingest.simulator.straps import NO_FAULTS
from tests.ingest.people import (
    HUB_TOKEN,
    MEMBER,
    MEMBER_TOKEN,
    RunningGateway,
    dead_letters,
    device_record,
    heart_rate,
    publish,
    published,
)
from tests.running import wait_until

pytestmark = pytest.mark.servers


def stream(gateway: RunningGateway, token: str | None = HUB_TOKEN) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(gateway.settings.gateway_url.replace("http", "ws") + "/v1/stream", additional_headers=headers, proxy=None)


async def say(socket: ClientConnection, content: Any) -> Any:
    await socket.send(content if isinstance(content, str | bytes) else json.dumps(content))
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


async def close_of(socket: ClientConnection) -> tuple[int, str]:
    await asyncio.wait_for(socket.wait_closed(), 15)
    return socket.close_code or 0, socket.close_reason or ""


async def test_a_hub_streams_frames_and_each_is_acknowledged(gateway: RunningGateway) -> None:
    first, second = heart_rate(), heart_rate(member_id=2)
    async with stream(gateway) as hub:
        assert json.loads(await hub.recv()) == {"type": "welcome", "device_id": "dev-gateway", "scope": "gateway"}
        assert await say(hub, {"type": "events", "id": 1, "events": [first, second]}) == {
            "type": "ack",
            "id": 1,
            "accepted": 2,
            "doubled": 0,
            "rejected": [],
            "unconfirmed": 0,
        }
        again = await say(hub, {"type": "events", "id": 2, "events": [first]})
        assert (again["id"], again["doubled"]) == (2, 1)
    assert len(published(gateway.settings, first["event_id"], second["event_id"])) == 2


async def test_a_hub_may_say_its_token_in_the_first_frame(gateway: RunningGateway) -> None:
    async with stream(gateway, None) as strap:
        welcome = await say(strap, {"type": "hello", "token": MEMBER_TOKEN})
        assert welcome["type"] == "welcome"
        answer = await say(strap, {"type": "events", "id": 7, "events": [heart_rate(), heart_rate(member_id=MEMBER + 1)]})
        assert (answer["accepted"], answer["rejected"][0]["reason"]) == (1, "forbidden_member")


@pytest.mark.parametrize("hello", ['{"type":"hello","token":"pd_no_1"}', '{"type":"events","id":1,"events":[]}', "?", b"\xff"])
async def test_without_a_valid_token_the_stream_is_closed(gateway: RunningGateway, hello: str | bytes) -> None:
    async with stream(gateway, None) as stranger:
        await stranger.send(hello)
        assert (await close_of(stranger))[0] == 4401


async def test_an_open_stream_ends_when_its_token_is_revoked(gateway: RunningGateway) -> None:
    token = "pd_hublost_5"
    publish(gateway.settings, device_record(token))
    gateway.wait_for(token, 200)
    async with stream(gateway, token) as lost, stream(gateway) as other:
        await lost.recv()
        await other.recv()
        publish(gateway.settings, device_record(token, revoked=True))
        assert await close_of(lost) == (4401, "this device token was revoked")
        assert (await say(other, {"type": "events", "id": 1, "events": [heart_rate()]}))["accepted"] == 1


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("no json", "malformed"),
        (b"\xff\xfe", "malformed"),
        ('{"type":"events","id":1}', "malformed"),
        ('{"type":"events","id":1,"events":7}', "malformed"),
        ('{"type":"hello","token":"x"}', "malformed"),
        (json.dumps({"type": "events", "id": 1, "events": [0] * 1_001}), "too_many"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_stream_goes_on(gateway: RunningGateway, frame: str | bytes, reason: str) -> None:
    async with stream(gateway) as hub:
        await hub.recv()
        answer = await say(hub, frame)
        assert (answer["type"], answer["reason"]) == ("error", reason)
        assert (await say(hub, {"type": "events", "id": 2, "events": [heart_rate()]}))["accepted"] == 1
    if reason == "malformed":
        kept = frame.encode() if isinstance(frame, str) else frame
        wait_until(lambda: kept in [letter.payload for letter in dead_letters(gateway.settings)], "a dead letter")


async def test_an_oversized_frame_ends_its_stream_only(gateway: RunningGateway) -> None:
    async with stream(gateway) as hub:
        await hub.recv()
        await hub.send(" " * 5_000_000)
        assert (await close_of(hub))[0] == 1009
    assert gateway.client.get("/health").status_code == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=80) | st.text(max_size=80), min_size=1, max_size=8))
def test_whatever_frames_come_each_is_answered(gateway: RunningGateway, frames: list[str | bytes]) -> None:
    async def check() -> None:
        async with stream(gateway) as hub:
            await hub.recv()
            for frame in frames:
                assert (await say(hub, frame))["type"] == "error"

    asyncio.run(check())


async def test_a_simulated_class_streams_through_a_hub_with_nothing_lost(gateway: RunningGateway) -> None:
    import random

    from ingest.simulator.class_simulation import ClassSimulation
    from tests.ingest.people import SESSION, now_ms, session_record

    people = session_record().participants
    simulation = ClassSimulation(people, class_type="spinning", seed=3, run=str(now_ms()), faults=NO_FAULTS)
    uplink = StreamUplink(gateway.settings.gateway_url, HUB_TOKEN, random.Random(1))
    ids: list[str] = []
    started_ms = now_ms() - 20_000
    for second in range(20):
        simulation.advance(started_ms + second * 1000)
        events = simulation.take(1_000)
        ids += [event.event_id for event in events]
        await uplink.send(events)
    await uplink.close()
    found = published(gateway.settings, *ids)
    assert (uplink.totals.accepted, len(found), len(ids)) == (600, 600, 600)
    assert {message["session_id"] for message in found} == {SESSION}
