"""`/metrics`, `/health` and `/ready` of a process that serves nothing else over HTTP, such as a flow."""

import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.errors import PacelineError
from infra.telemetry.logs import logger

log = logger(__name__)
Readiness = Callable[[], str]
"""Why the process is not ready; empty when it is."""
ANSWER_WITHIN_S = 1.0
"""How long a process that stops waits for answers under way; a caller who asks for nothing must not hold it up."""


class Endpoint:
    """A small HTTP server on a thread of its own. Health is that it answers; readiness is asked of the process."""

    def __init__(self, port: int, process: str, readiness: Readiness, host: str = "127.0.0.1") -> None:
        try:
            self._server = _Server((host, port), _handler(process, readiness))
        except OSError as failure:
            raise PacelineError(
                f"Port {port} for the metrics of {process} is taken: {failure}", "Choose another PACELINE_METRICS_PORT."
            ) from failure
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, once whoever asked before has been answered."""
        self._server.shutdown()
        self._server.finish(ANSWER_WITHIN_S)


class _Server(ThreadingHTTPServer):
    """Threads are daemons, so that no caller keeps the process alive, and are known, so that no answer is cut off."""

    request_queue_size = 128  # the library's five make a burst of callers wait for seconds, until TCP tries again

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._answering: list[threading.Thread] = []
        self._nobody_waits = False

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._answering = [other for other in self._answering if other.is_alive()]
        thread.start()
        self._answering.append(thread)

    def finish(self, patience_s: float) -> None:
        """Take in who has connected already, listen no more, and let the answers get out. After `shutdown`."""
        deadline = time.monotonic() + patience_s
        self.timeout = 0
        while not self._nobody_waits and time.monotonic() < deadline:
            self.handle_request()
        self.server_close()
        for thread in self._answering:
            thread.join(max(0, deadline - time.monotonic()))

    def handle_timeout(self) -> None:
        self._nobody_waits = True

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        failure = sys.exception()
        if not isinstance(failure, OSError):  # an OSError is a caller who went away
            log.error("endpoint_failed", exc_info=failure)


def _handler(process: str, readiness: Readiness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        wbufsize = -1  # head and body leave together

        def do_GET(self) -> None:
            try:
                status, body, content_type = self._answer()
            except Exception as failure:  # whoever asks shall hear of it, rather than meet a closed connection
                log.exception("endpoint_failed", path=self.path)
                status, body, content_type = _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"detail": repr(failure)})
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[HTTPStatus, bytes, str]:
            match self.path.split("?")[0]:
                case "/metrics":
                    return HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST
                case "/health":
                    return _json(HTTPStatus.OK, {"status": "ok", "process": process})
                case "/ready":
                    why = readiness()
                    status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
                    return _json(status, {"ready": not why, "process": process, "reason": why})
                case _:
                    return _json(HTTPStatus.NOT_FOUND, {"detail": "ask /health, /ready or /metrics"})

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002 - the name is the library's
            """Scrapes are not worth a line each."""

    return Handler


def _json(status: HTTPStatus, body: dict[str, object]) -> tuple[HTTPStatus, bytes, str]:
    return status, msgspec.json.encode(body), "application/json"
