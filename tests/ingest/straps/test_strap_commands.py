"""`paceline strap` as a person runs it: own processes, real bleak on a mock BlueZ, a real gateway."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.errors import PacelineError
from infra.settings import child_environment
from ingest.straps.connect_command import assignments_of
from schemas.topics import DEVICE_EVENTS
from tests.ingest.people import HUB_TOKEN, RunningGateway, read_topic
from tests.ingest.straps.conftest import until
from tests.ingest.straps.mock_bluez import mock_bluez
from tests.ingest.straps.test_links import ADA, BEN, beat, heart_strap
from tests.running import free_ports

MEMBER = 7


@asynccontextmanager
async def paceline(gateway: RunningGateway, bus: str, *arguments: str):
    """The command, with its output read as it comes; stopped by SIGTERM at the end if it still runs."""
    environment = child_environment(gateway.settings) | {"DBUS_SYSTEM_BUS_ADDRESS": bus, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "strap", *arguments),
        env=environment | {"PACELINE_DEVICE_TOKEN": HUB_TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.communicate(), 30)


async def stopped(process: asyncio.subprocess.Process) -> str:
    process.terminate()
    output, _nothing = await asyncio.wait_for(process.communicate(), 60)
    return output.decode()


async def test_scan_lists_what_is_near_the_strongest_first(bus: str, gateway: RunningGateway) -> None:
    async with mock_bluez(bus, heart_strap(ADA), heart_strap(BEN)), paceline(gateway, bus, "scan", "--seconds", "1") as process:
        output, _nothing = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert all(text in output.decode() for text in (ADA, BEN, "Strap 1", "heart rate", "-60 dBm")), output.decode()


@pytest.mark.servers
async def test_beats_wait_on_disk_while_the_gateway_is_away_and_arrive_once_in_order_later(
    bus: str, gateway: RunningGateway, tmp_path: Path
) -> None:
    strap, store = heart_strap(), str(tmp_path / "straps.sqlite")
    arguments = ("connect", "--member", f"{ADA}={MEMBER}", "--store", store, "--gateway")
    async with mock_bluez(bus, strap) as bluez:
        async with paceline(gateway, bus, *arguments, f"http://127.0.0.1:{free_ports(1)[0]}") as process:
            for bpm in (100, 101, 102):
                await beat(bluez, strap, bpm)
            await asyncio.sleep(0.3)
            output = await stopped(process)
        assert f"3 events wait in {store}, 0 were lost" in output, output
        await until(lambda: not strap.connected, "BlueZ was told to let go")
        async with paceline(gateway, bus, *arguments, gateway.settings.gateway_url) as process:
            for bpm in (103, 104):
                await beat(bluez, strap, bpm)
            await asyncio.sleep(0.5)
            output = await stopped(process)
        assert "3 events wait from before" in output, output
        assert "Over: 5 accepted, 0 doubled; 0 events wait" in output, output
    events = [m for m in await asyncio.to_thread(read_topic, gateway.settings, DEVICE_EVENTS) if m["device_id"] == ADA]
    assert [event["heart_rate_bpm"] for event in events] == [100, 101, 102, 103, 104]
    assert {event["member_id"] for event in events} == {MEMBER}


@pytest.mark.parametrize("text", ["7", "AA=7", f"{ADA}=Ada", f"{ADA}=0", f"{ADA}=", "=7"])
def test_what_is_no_strap_and_member_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PacelineError) as refusal:
        assignments_of([text])
    assert "ADDRESS=MEMBER_ID" in refusal.value.remedy


def test_a_strap_is_one_members_at_a_time() -> None:
    assert assignments_of([f"{ADA.lower()}=1", f"{BEN}=2"]) == {ADA: 1, BEN: 2}
    with pytest.raises(PacelineError, match="two members"):
        assignments_of([f"{ADA}=1", f"{ADA}=2"])
