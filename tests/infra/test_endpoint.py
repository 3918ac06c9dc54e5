"""The endpoint of processes without HTTP of their own: whoever was let in is answered, whole, whatever happens meanwhile."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from infra.telemetry.endpoint import Endpoint
from infra.telemetry.metrics import EVENTS_REJECTED
from tests.running import ROOT, wait_until

CALLERS = 6
BURST = 64
PATHS = {"/metrics": 200, "/ready": 503, "/health": 200, "/else": 404}
CHILD = """
import os, sys, time
from infra.telemetry.endpoint import Endpoint

def readiness():
    os.write(1, b"asked\\n")
    time.sleep(0.05)
    return ""

endpoint = Endpoint(0, "child", readiness)
print(endpoint.port, flush=True)
sys.stdin.readline()
endpoint.close()
"""


@contextmanager
def child() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process with an endpoint whose readiness takes a moment, and its port; a line of input ends it."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT, text=True, stdin=pipe, stdout=pipe) as process:
        try:
            assert process.stdout
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def in_threads(count: int, work: Callable[[], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def change_metrics(stop: threading.Event) -> None:
    """Label sets that come and go."""
    number = 0
    while not stop.is_set():
        number += 1
        labels = ("endpoint-test", f"{threading.get_ident()}-{number % 20}")
        EVENTS_REJECTED.labels(*labels).inc()
        if number % 3 == 0:
            EVENTS_REJECTED.remove(*labels)


def scrape(port: int, path: str) -> str:
    """What came of it: `whole`, `refused` or the fault."""
    try:
        status, body = ask(port, path)
    except http.client.HTTPException as cut:  # closed without an answer, or in the middle of one
        return f"{path} {cut!r}"
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    return "whole" if status == PATHS[path] and body else f"{path} {status} {body[:80]!r}"


def test_every_scrape_is_answered_whole_while_metrics_change_and_endpoints_close() -> None:
    outcomes: Counter[str] = Counter()
    stop = threading.Event()
    present = [Endpoint(0, "test", lambda: "not yet")]

    def keep_scraping() -> None:
        while not stop.is_set():
            outcomes.update(scrape(present[0].port, path) for path in PATHS)

    threads = in_threads(2, lambda: change_metrics(stop)) + in_threads(CALLERS, keep_scraping)
    for _ in range(5):
        enough = outcomes["whole"] + 2 * CALLERS
        wait_until(lambda enough=enough: outcomes["whole"] >= enough, "scraped")
        old, present[0] = present[0], Endpoint(0, "test", lambda: "not yet")
        old.close()
    stop.set()
    for thread in threads:
        thread.join(60)
    present[0].close()
    assert set(outcomes) <= {"whole", "refused"}
    assert outcomes["whole"] >= 10 * CALLERS


def test_a_process_that_stops_answers_whom_it_has_let_in() -> None:
    with child() as (process, port), ExitStack() as held:
        asking = [held.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(4)]
        for one in asking:
            one.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        assert process.stdout
        assert [process.stdout.readline() for _ in asking] == ["asked\n"] * 4
        assert process.stdin
        process.stdin.write("stop\n")
        process.stdin.flush()
        assert [one.makefile("rb").read().split(b"\r\n\r\n")[1] for one in asking] == [
            b'{"ready":true,"process":"child","reason":""}'
        ] * 4
        assert process.wait(60) == 0


def test_a_burst_of_callers_is_let_in_at_once_though_the_process_is_busy() -> None:
    with child() as (process, port), ExitStack() as held:
        process.send_signal(signal.SIGSTOP)
        waiting = [held.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(BURST)]
        for one in waiting:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        process.send_signal(signal.SIGCONT)
        for one in waiting:
            one.settimeout(60)
            assert one.makefile("rb").read().endswith(b'{"status":"ok","process":"child"}')


def test_a_failure_while_answering_is_told_and_the_endpoint_goes_on() -> None:
    def readiness() -> str:
        raise KeyError("lag")

    endpoint = Endpoint(0, "test", readiness)
    try:
        assert ask(endpoint.port, "/ready") == (500, b'{"detail":"KeyError(\'lag\')"}')
        assert ask(endpoint.port, "/health")[0] == 200
    finally:
        endpoint.close()
