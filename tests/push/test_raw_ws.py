"""The contract with uvicorn's internals, on which writing one frame to many sockets rests."""

import socket
import zlib
from collections.abc import Iterator

import pytest
import uvicorn
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from api.push.frame import DEFLATE_BYTES_MIN, Frame, close_reason
from api.push.raw_ws import RawWS, uvicorn_options
from infra.settings import Settings
from tests.push.gym import Gym, hear, hello
from tests.push.samples import alert, keyframe
from tests.running import free_ports


@pytest.fixture(scope="module")
def gym(kafka_only: Settings) -> Iterator[Gym]:
    place = Gym(kafka_only, free_ports(1)[0])
    with place.running():
        yield place


def test_a_message_for_one_reader_is_compressed_only_when_it_needs_more_than_a_packet() -> None:
    short, long = Frame("x", b"a" * 1_399, for_one=True), Frame("x", b"a" * 1_400, for_one=True)
    assert short.deflated is short.plain
    assert len(long.deflated) < len(long.plain)


def test_uvicorn_has_everything_that_the_subclass_overrides() -> None:
    parent = RawWS.__mro__[1]
    for name in ("run_asgi", "pause_writing", "resume_writing", "keepalive_timeout", "shutdown", "connection_made"):
        assert name in vars(parent), f"uvicorn {uvicorn.__version__} has no {name} any more: see api/push/raw_ws.py"


@pytest.mark.parametrize("length", [0, 1, 125, 126, 511, 512, 65_535, 65_536, 200_000])
def test_a_frame_carries_its_length_and_text(length: int) -> None:
    text = b"x" * length
    frame = Frame("alert", text)
    skip = 2 if length < 126 else 4 if length < 65_536 else 10
    assert frame.plain[0] == 0x81
    assert frame.plain[skip:] == text
    if length < DEFLATE_BYTES_MIN:
        assert frame.deflated is frame.plain
    else:
        packed = frame.deflated
        assert packed[0] == 0xC1
        skip = 2 if packed[1] < 126 else 4
        assert zlib.decompressobj(wbits=-12).decompress(packed[skip:] + b"\x00\x00\xff\xff") == text


def test_a_close_reason_fits_its_frame_whatever_the_letters() -> None:
    assert len(close_reason("ж" * 200).encode()) <= 123


@pytest.mark.parametrize(
    "offer",
    [
        ClientPerMessageDeflateFactory(),
        ClientPerMessageDeflateFactory(server_max_window_bits=9),
        ClientPerMessageDeflateFactory(client_max_window_bits=10, server_no_context_takeover=True),
        None,
    ],
    ids=["any", "window too small for the shared frames", "narrow client", "no compression"],
)
async def test_a_stock_client_reads_long_messages_whatever_compression_it_offers(
    gym: Gym, offer: ClientPerMessageDeflateFactory | None
) -> None:
    sid = gym.desk.start_session().session_id
    async with gym.client(compression=None, extensions=[offer] if offer else None) as client:
        await hello(client, gym.token(), {"channel": f"metrics:{sid}"}, {"channel": f"alerts:{sid}"})
        for sequence in range(1, 6):
            values = [f"{sequence}-{'word ' * 300}", str(sequence)]
            gym.desk.put(keyframe(sequence, {"state": values}, session_id=sid))
            update = await hear(client, "metrics_update")
            assert update["columns"]["state"] == values
            gym.desk.put(alert(sequence, session_id=sid))
            assert (await hear(client, "alert"))["alert_id"] == f"alert-{sequence:08d}"


async def test_compression_is_negotiated_without_memory_between_messages(gym: Gym) -> None:
    async with gym.client() as client:
        terms = client.response.headers["Sec-WebSocket-Extensions"] if client.response else ""
    assert "server_no_context_takeover" in terms
    assert "client_no_context_takeover" in terms
    assert "server_max_window_bits=12" in terms


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no TCP_NOTSENT_LOWAT")
async def test_the_kernel_keeps_little_unsent_so_that_stale_metrics_can_be_merged(gym: Gym) -> None:
    """Without it a client that stands still would get hundreds of old updates out of the kernel's buffer."""
    sid = gym.desk.start_session().session_id
    async with gym.client(compression=None, max_queue=1) as client, gym.client(compression=None) as witness:
        for one in (client, witness):
            await hello(one, gym.token(), {"channel": f"metrics:{sid}"})
        client.transport.pause_reading()
        for sequence in range(1, 401):
            gym.desk.put(keyframe(sequence, {"state": [f"{sequence:05d}" * 2_000, ""]}, session_id=sid))
            await hear(witness, "metrics_update")
        client.transport.resume_reading()
        updates = 0
        while (await hear(client, "metrics_update"))["columns"]["state"][0][:5] != "00400":
            updates += 1
    assert updates < 350


def test_the_options_name_this_protocol() -> None:
    config = uvicorn.Config("tests.push.server_process:make_app", **uvicorn_options())
    config.load_app = lambda: None  # type: ignore[method-assign]  # only the protocol is looked at
    config.load()
    assert config.ws_protocol_class is RawWS
