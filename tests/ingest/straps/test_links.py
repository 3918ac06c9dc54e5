"""Straps that advertise, connect, drop, come back and lie: real bleak against a mock BlueZ."""

from itertools import pairwise

from ingest.straps.characteristics.known import BATTERY_LEVEL, full_uuid
from ingest.straps.link import LinkState, Timing
from schemas.events import HeartRate, Power
from tests.ingest.straps.conftest import following, until
from tests.ingest.straps.mock_bluez import MockBlueZ, MockStrap, mock_bluez

HEART, POWER = full_uuid(0x2A37), full_uuid(0x2A63)
HEART_SERVICE, POWER_SERVICE, BATTERY_SERVICE = (full_uuid(number) for number in (0x180D, 0x1818, 0x180F))
ADA, BEN = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"


def heart_strap(address: str = ADA, battery: bytes = b"\x50") -> MockStrap:
    services = {HEART_SERVICE: {HEART: b""}, BATTERY_SERVICE: {BATTERY_LEVEL: battery}}
    return MockStrap(address, f"Strap {address[-1]}", services)


async def beat(bluez: MockBlueZ, strap: MockStrap, bpm: int) -> None:
    await until(lambda: strap.notifying, f"{strap.name} is listened to")
    bluez.notify(strap, HEART, bytes([0, bpm]))


def beats(events: list, member_id: int) -> list[int]:
    return [e.heart_rate_bpm for e in events if isinstance(e, HeartRate) and e.member_id == member_id]


async def test_two_members_straps_are_followed_at_once_each_in_its_order(bus: str) -> None:
    ada, ben = heart_strap(), MockStrap(BEN, "Pedals", {POWER_SERVICE: {POWER: b""}})
    async with mock_bluez(bus, ada, ben) as bluez, following({ADA: 1, BEN: 2}) as seen:
        await until(lambda: ada.notifying and ben.notifying, "both are live")
        for number in range(100):
            bluez.notify(ada, HEART, bytes([0, 80 + number]))
            bluez.notify(ben, POWER, b"\x00\x00" + (200 + number).to_bytes(2, "little"))
        await until(lambda: len(seen.events) >= 200, "200 events")
        assert beats(seen.events, 1) == list(range(80, 180))
        assert [e.power_watts for e in seen.events if isinstance(e, Power)] == list(range(200, 300))
        assert len({event.event_id for event in seen.events}) == 200
        assert seen.heard(f"({ADA}) is live for member 1, battery 80 %") == 1


async def test_a_strap_that_drops_is_connected_again_and_goes_on(bus: str) -> None:
    strap = heart_strap()
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}) as seen:
        for number in range(3):
            await beat(bluez, strap, 100 + number)
            await until(lambda number=number: len(seen.events) == number + 1, "the beat")
            bluez.drop(strap, forgotten=number == 1)
            await until(lambda number=number: seen.heard("the connection was lost") == number + 1, "the loss is noticed")
        await beat(bluez, strap, 103)
        await until(lambda: len(seen.events) == 4, "the last beat")
    assert beats(seen.events, 1) == [100, 101, 102, 103]
    assert all(a.event_time_ms <= b.event_time_ms for a, b in pairwise(seen.events))
    assert strap.connections == 4


async def test_nobody_tries_a_strap_that_is_out_of_range_until_it_is_seen_again(bus: str) -> None:
    strap = heart_strap()
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}) as seen:
        await beat(bluez, strap, 100)
        strap.in_range = False
        bluez.drop(strap)
        link = seen.hub.followed[ADA].link
        await until(lambda: link.state is LinkState.LOOKING, "it is looked for")
        strap.in_range = True
        await beat(bluez, strap, 101)
        await until(lambda: beats(seen.events, 1) == [100, 101], "it is back")
    assert strap.connections == 2


async def test_a_strap_that_refuses_is_asked_again(bus: str) -> None:
    strap = heart_strap()
    strap.refuses = 2
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}) as seen:
        await beat(bluez, strap, 100)
        await until(lambda: beats(seen.events, 1) == [100], "its beat")
    assert seen.heard("connection refused by the strap") == 2


async def test_a_strap_that_lies_is_heard_for_what_is_true(bus: str) -> None:
    strap = heart_strap(battery=b"\xff")
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}) as seen:
        await beat(bluez, strap, 100)
        for lie in (b"", b"\x00", b"\x00\x00", b"\x00\xff", b"\x01\x50", b"\x10\x50\x00"):
            bluez.notify(strap, HEART, lie)
        await beat(bluez, strap, 101)
        await until(lambda: len(seen.events) == 2, "the true beats")
        assert beats(seen.events, 1) == [100, 101]
        assert seen.hub.followed[ADA].measuring.dropped == {"bad_packet": 4, "implausible": 2}
        assert seen.hub.followed[ADA].link.battery_percent is None
        bluez.drop(strap)
        await until(lambda: seen.heard("6 values were dropped"), "the lies are told")


async def test_a_strap_that_promises_what_it_has_not_is_left_alone_between_tries(bus: str) -> None:
    strap = MockStrap(ADA, "Liar", {BATTERY_SERVICE: {BATTERY_LEVEL: b"\x50"}}, advertised=[HEART_SERVICE])
    async with mock_bluez(bus, strap), following({ADA: 1}) as seen:
        await until(lambda: seen.heard("it offers nothing that we can read") >= 2, "it was tried twice")
    assert not seen.events


async def test_a_strap_that_is_connected_but_silent_is_connected_anew(bus: str) -> None:
    strap = heart_strap()
    silence = Timing(first_rest_s=0.05, longest_rest_s=0.2, silence_s=0.3)
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}, timing=silence) as seen:
        await until(lambda: strap.connections >= 2, "a second connection")
        await beat(bluez, strap, 100)
        await until(lambda: beats(seen.events, 1), "its beat")
    assert seen.heard("connected, but silent for 0.3 s") >= 1


async def test_the_battery_is_read_again_while_the_strap_is_live(bus: str) -> None:
    strap = heart_strap()
    async with mock_bluez(bus, strap) as bluez, following({ADA: 1}) as seen:
        await beat(bluez, strap, 100)
        strap.services[BATTERY_SERVICE][BATTERY_LEVEL] = b"\x07"
        await until(lambda: seen.hub.followed[ADA].link.battery_percent == 7, "7 %")


async def test_an_unknown_strap_is_listed_and_never_connected(bus: str) -> None:
    ada, stranger = heart_strap(), heart_strap(BEN)
    async with mock_bluez(bus, ada, stranger) as bluez, following({ADA: 1}) as seen:
        await beat(bluez, ada, 100)
        await until(lambda: BEN in seen.hub.sightings, "the stranger is seen")
        assert seen.hub.sightings[BEN].services == ("heart rate",)
        assert seen.heard(f"Strap 2 ({BEN}) is near and assigned to nobody") == 1
        assert stranger.connections == 0
        seen.hub.assign({ADA: 1, BEN: 2})
        await beat(bluez, stranger, 120)
        await until(lambda: beats(seen.events, 2) == [120], "assigned, it is followed")
        seen.hub.assign({BEN: 2})
        await until(lambda: not ada.connected, "taken away, it is left")


async def test_without_bluetooth_the_hub_says_so_once_and_goes_on_when_it_is_there(bus: str) -> None:
    strap = heart_strap()
    async with following({ADA: 1}) as seen:
        await until(lambda: seen.heard("Bluetooth does not work"), "the fault is told")
        async with mock_bluez(bus, strap) as bluez:
            await beat(bluez, strap, 100)
            await until(lambda: beats(seen.events, 1) == [100], "its beat")
    assert seen.heard("Bluetooth does not work") <= 2
