"""Whose straps are, while the API is there, away, or of another mind."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.clock import system_clock
from ingest.straps.assignments import Assigning
from tests.ingest.straps.conftest import following, until
from tests.ingest.straps.test_links import ADA, BEN


async def test_straps_stay_whose_they_were_while_the_api_is_away_and_after_a_restart(bus: str, tmp_path: Path) -> None:
    answers = {"status": 200, "assigned": [{"address": ADA, "member_id": 1}]}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"assigned": answers["assigned"]}).encode()
            self.send_response(answers["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url, memory = f"http://127.0.0.1:{server.server_port}", tmp_path / "members.json"
    async with following({}) as room:
        asking = asyncio.create_task(
            Assigning(room.hub, url, "pd_x_1", memory, room.said.append, clock=system_clock, ask_every_s=0.02).run()
        )
        whose = lambda: {address: strap.member_id for address, strap in room.hub.followed.items()}  # noqa: E731 - asked anew
        await until(lambda: whose() == {ADA: 1}, "Ada's")
        answers["assigned"] = [{"address": ADA, "member_id": 2}, {"address": BEN, "member_id": 1}]
        await until(lambda: whose() == {ADA: 2, BEN: 1}, "changed hands")
        memory.unlink()
        memory.mkdir()  # nobody can write a file there
        answers["assigned"] = [{"address": BEN, "member_id": 1}]
        await until(lambda: whose() == {BEN: 1}, "given all the same")
        assert room.heard("is not known after a restart") == 1
        memory.rmdir()
        answers["assigned"] = [{"address": ADA, "member_id": 2}, {"address": BEN, "member_id": 1}]
        await until(lambda: whose() == {ADA: 2, BEN: 1}, "changed hands once more")
        answers["status"] = 401
        await until(lambda: room.heard("The API refused with 401"), "the refusal is told")
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await until(lambda: room.heard("The API does not answer"), "its absence is told")
        assert whose() == {ADA: 2, BEN: 1}
        asking.cancel()
    async with following({}) as room:
        asking = asyncio.create_task(
            Assigning(room.hub, url, "pd_x_1", memory, room.said.append, clock=system_clock, ask_every_s=0.02).run()
        )
        await until(lambda: set(room.hub.followed) == {ADA, BEN}, "remembered")
        await until(lambda: room.heard("The API does not answer"), "its absence is told")
        asking.cancel()
    assert room.heard("The API does not answer") == 1
