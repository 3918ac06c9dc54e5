"""`paceline sources verify`: a gateway of ours keeps every promise, one that lies is found out, and bad samples are named."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from infra.clock import system_clock
from infra.errors import PacelineError
from ingest.conformance.checks import CHECKS
from ingest.conformance.samples import read_samples
from ingest.conformance.verify_command import VerifyRequest, verify
from schemas.topics import DEVICE_EVENTS
from tests.ingest.people import HUB_TOKEN, MEMBER, MEMBER_TOKEN, RunningGateway, read_topic

MEMBER_OF_TESTS = 10
POWER = {"type": "power", "event_id": "mine-0001", "member_id": 3, "device_id": "rower", "power_watts": 180}


async def verified(url: str, token: str, run: str, member: int | None = None, events: Path | None = None) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=200)
    good = await verify(VerifyRequest(url, token, member, events), system_clock, run, console)
    return good, console.file.getvalue()


@pytest.mark.servers
async def test_our_gateway_keeps_every_promise_to_a_members_device_and_to_a_hub(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    good, table = await verified(gateway.settings.gateway_url, MEMBER_TOKEN, "aaaa0001")
    assert good, table
    samples = tmp_path / "mine.json"
    times = (1_700_000_000_000, 1_700_000_002_000)
    samples.write_text(json.dumps([{**POWER, "event_id": f"mine-{t}", "event_time_ms": t} for t in times]))
    good, table = await verified(gateway.settings.gateway_url, HUB_TOKEN, "aaaa0002", MEMBER_OF_TESTS, samples)
    assert good, table
    assert f"{len(CHECKS)} of {len(CHECKS)} kept." in table
    sent = [m for m in read_topic(gateway.settings, DEVICE_EVENTS) if m["event_id"].startswith("verify-aaaa")]
    assert {m["member_id"] for m in sent} == {MEMBER, MEMBER_OF_TESTS}
    assert len({m["event_id"] for m in sent}) == len(sent)
    powers = sorted(m["event_time_ms"] for m in sent if m["type"] == "power" and m["device_id"] == "rower")
    assert powers[-1] - powers[0] == 2_000


@contextmanager
def lying_gateway() -> Iterator[str]:
    """Accepts whatever it is given, and knows every token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({"scope": "member", "member_id": 7, "server_time_ms": 0, "sessions": []})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._say({"accepted": body.count(b'"type"'), "doubled": 0, "rejected": []})

        def _say(self, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not into the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def test_a_gateway_that_accepts_everything_is_found_out() -> None:
    with lying_gateway() as url:
        good, table = await verified(url, "pd_x_1", "bbbb0001")
    assert not good
    broken = [line for line in table.splitlines() if "broken" in line]
    kept = [line for line in table.splitlines() if " kept " in line]
    assert len(broken) + len(kept) == len(CHECKS)
    for promise in ("counts nothing twice", "too old", "is invalid", "not listed", "refused with 401", "frames of a stream"):
        assert any(promise in line for line in broken), promise
    assert any("a batch of yours is accepted" in line.lower() for line in kept)


async def test_without_a_gateway_or_a_member_there_is_nothing_to_verify(gateway: RunningGateway) -> None:
    with pytest.raises(PacelineError, match="does not answer"):
        await verified("http://127.0.0.1:1", HUB_TOKEN, "cccc0001")
    with pytest.raises(PacelineError, match="for whom"):
        await verified(gateway.settings.gateway_url, HUB_TOKEN, "cccc0002")


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([{**POWER, "event_time_ms": 1, "power_watts": 9_999}], "event 1: invalid"),
        ([{**POWER, "event_time_ms": 1}, {**POWER, "event_time_ms": 1, "watts": 3}], "event 2: unknown_field"),
        ([{**POWER, "event_time_ms": 1}, {**POWER, "event_time_ms": 2}], "an event id twice"),
        ([], "holds no event"),
    ],
)
def test_samples_that_no_gateway_would_take_are_named(tmp_path: Path, events: list[dict[str, Any]], fault: str) -> None:
    file = tmp_path / "samples.json"
    file.write_text(json.dumps(events))
    with pytest.raises(PacelineError, match=fault):
        read_samples(file)


def test_lines_are_samples_too(tmp_path: Path) -> None:
    file = tmp_path / "samples.ndjson"
    file.write_text("\n".join(json.dumps({**POWER, "event_id": f"mine-{n:04}", "event_time_ms": n}) for n in range(3)))
    assert [sample["event_time_ms"] for sample in read_samples(file)] == [0, 1, 2]
    file.write_text("{nonsense")
    with pytest.raises(PacelineError, match="malformed"):
        read_samples(file)
