"""The same links over a Bluetooth stack that is not BlueZ: what holds here and there is not the mock's doing."""

import asyncio

from bumble.link import LocalLink

from tests.ingest.straps.bumble_radio import BumbleStrap, bumble_radio, powered
from tests.ingest.straps.conftest import following, until
from tests.ingest.straps.test_links import beats

ADA, BEN = "F0:00:00:00:00:01", "F0:00:00:00:00:02"


async def test_a_strap_on_a_real_stack_is_found_read_lost_and_found_again() -> None:
    async with asyncio.timeout(120):  # a stack that waits for ever must not hold up all tests
        await _found_read_lost_and_found_again()


async def _found_read_lost_and_found_again() -> None:
    air = LocalLink()
    strap = BumbleStrap(await powered("Strap 1", ADA, air))
    stranger = BumbleStrap(await powered("Strap 2", BEN, air))
    radio = bumble_radio(await powered("hub", "F0:00:00:00:00:99", air))
    await strap.advertise()
    await stranger.advertise()
    async with following({ADA: 1}, radio) as seen:
        for number in range(3):
            await until(lambda: strap.listened_to, "it is listened to")
            for bpm in range(100, 120):
                await strap.beat(bpm)
            await until(lambda number=number: len(seen.events) == 20 * (number + 1), "its beats")
            await strap.drop()
            await until(lambda number=number: seen.heard("connection was lost") == number + 1, "the loss is noticed")
            await strap.advertise()
        assert beats(seen.events, 1) == 3 * list(range(100, 120))
        assert seen.heard(f"Strap 1 ({ADA}) is live for member 1, battery 75 %") == 3
        assert seen.hub.sightings[BEN].services == ("heart rate",)
        assert not stranger.device.connections
