"""`/metrics`, `/health` and `/ready` of a process that serves nothing else over HTTP, such as a flow."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.errors import PacelineError

Readiness = Callable[[], str]
"""Why the process is not ready; empty when it is."""


class Endpoint:
    """A small HTTP server on a thread of its own. Health is that it answers; readiness is asked of the process."""

    def __init__(self, port: int, process: str, readiness: Readiness, host: str = "127.0.0.1") -> None:
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(process, readiness))
        except OSError as failure:
            raise PacelineError(
                f"Port {port} for the metrics of {process} is taken: {failure}", "Choose another PACELINE_METRICS_PORT."
            ) from failure
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(process: str, readiness: Readiness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            match self.path.split("?")[0]:
                case "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
                case "/health":
                    self._answer_json(HTTPStatus.OK, {"status": "ok", "process": process})
                case "/ready":
                    why = readiness()
                    status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
                    self._answer_json(status, {"ready": not why, "process": process, "reason": why})
                case _:
                    self._answer_json(HTTPStatus.NOT_FOUND, {"detail": "ask /health, /ready or /metrics"})

        def _answer_json(self, status: HTTPStatus, body: dict[str, object]) -> None:
            self._answer(status, msgspec.json.encode(body), "application/json")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002 - the name is the library's
            """Scrapes are not worth a line each."""

    return Handler
