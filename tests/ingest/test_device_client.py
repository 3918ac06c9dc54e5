"""A device's side: what it does with answers that are not the gateway's."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.errors import PacelineError
from ingest.device_client import HttpUplink
from schemas.events import HeartRate

EVENT = HeartRate(event_id="client-0001", member_id=1, device_id="s", event_time_ms=1_795_248_000_000, heart_rate_bpm=140)


@contextmanager
def answering(*statuses: int) -> Iterator[str]:
    """A server that answers so, one after the other; with anything but 200 it says what a proxy would say."""
    left = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = next(left)
            body = json.dumps({"accepted": 1}).encode() if status == 200 else b"<html>Bad gateway</html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [408, 500, 502, 504])
async def test_what_a_proxy_or_a_slow_link_answers_is_sent_again(status: int) -> None:
    with answering(status, 200) as url:
        uplink = HttpUplink(url, "pd_x_1", random.Random(1))
        await uplink.send([EVENT])
        await uplink.close()
    assert (uplink.totals.accepted, uplink.totals.resent) == (1, 1)


async def test_a_refusal_that_is_no_answer_of_ours_is_said_with_its_status() -> None:
    with answering(404) as url:
        uplink = HttpUplink(url, "pd_x_1", random.Random(1))
        with pytest.raises(PacelineError, match="404"):
            await uplink.send([EVENT])
        await uplink.close()
