"""A small API that keeps the contract of docs/protocol.md and of the REST calls, with a scripted class behind it.

The pages cannot tell it from the real one: same security headers, same files, real sockets on a real port. It can be killed and
started again on the same port, with its streams as they were (the real ones live in Kafka) or forgotten.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn

from infra.clock import system_clock
from tests.running import free_ports
from tests.ui.fake_class import FakeClass
from tests.ui.fake_push import FakePush
from tests.ui.fake_rest import FakeRest


class FakeApi:
    """Serves one `FakeClass`; `do` runs a change on the server's own thread."""

    def __init__(self, members: int = 40) -> None:
        self.klass = FakeClass(members, system_clock())
        self.push = FakePush(self.klass)
        self.rest = FakeRest(self.push)
        self.port = free_ports(1)[0]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        server = uvicorn.Server(
            uvicorn.Config(
                self.rest.app(),
                port=self.port,
                log_level="critical",
                lifespan="off",
                ws="websockets-sansio",
                timeout_graceful_shutdown=0,
            )
        )
        self._server = server
        self._thread = threading.Thread(target=self._run, args=(server,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the fake API did not start"
            time.sleep(0.01)

    def _run(self, server: uvicorn.Server) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            playing = asyncio.create_task(self.push.play())
            await server.serve()
            playing.cancel()

        with suppress(asyncio.CancelledError):
            asyncio.run(serve())

    def kill(self) -> None:
        """End at once: sockets are cut, the port refuses."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.push.listeners.clear()

    def do(self, change: Callable[[], Any]) -> Any:
        """Run a change where the sockets live, and wait for it; while killed, here."""
        if self._thread is None or not self._thread.is_alive():
            return change()
        assert self._loop is not None

        async def run() -> Any:
            return change()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def write_to_trainer(self, member_id: int, text: str) -> None:
        """A member's message comes in."""
        trainer = self.rest.user["id"]

        def change() -> None:
            person = self.klass.person(member_id)
            self.push.message(trainer, self.klass.said(member_id, person.name, "member", trainer, text))

        self.do(change)

    def raise_alert(
        self, member_id: int | None, severity: str, message: str, action: str = "Slow down a little.", age_s: int = 0
    ) -> str:
        """A new alert; its id."""

        def change() -> str:
            alert = self.klass.alert(member_id, severity, message, action, system_clock() - age_s * 1_000)
            self.push.publish("alerts", alert)
            return str(alert["alert_id"])

        return str(self.do(change))

    def change_alert(self, alert_id: str, **changes: Any) -> None:
        self.do(lambda: self.push.publish("alerts", self.klass.change_alert(alert_id, system_clock(), **changes)))

    def clear_alert(self, alert_id: str) -> None:
        self.change_alert(alert_id, state="cleared", cleared_at_ms=system_clock())

    def silence(self, member_id: int) -> None:
        """A strap falls silent."""
        self.klass.person(member_id).silent_since_ms = system_clock()

    def end_class(self) -> None:
        """As if it had ended before anybody looked; its summary is there."""
        self.klass.state, self.klass.ended_at_ms = "completed", self.klass.started_at_ms + 2_700_000
        self.rest.summary_after_calls = 0
