"""The API as a process: ready when its servers are, gone when told."""

import signal
import sys
import time

import httpx
import pytest

from infra.embedded.launch import Launch
from infra.settings import Settings, child_environment
from tests.api.running_api import own_database
from tests.running import ROOT, answers, free_ports, running

pytestmark = pytest.mark.servers


def test_the_process_becomes_ready_serves_and_ends_cleanly(servers: Settings) -> None:
    (port,) = free_ports(1)
    settings = own_database(servers, "serve_test").model_copy(update={"api_port": port})
    launch = Launch([sys.executable, "-m", "infra.cli", "api"], child_environment(settings), ROOT)
    url = f"http://127.0.0.1:{port}"
    log = settings.home / "api.log"
    with running(launch, lambda: answers(f"{url}/ready"), log) as process:
        checks = httpx.get(f"{url}/ready").json()["checks"]
        assert checks == dict.fromkeys(("postgres", "kafka", "warehouse", "hub", "outbox"), True)
        assert "paceline_request_seconds" in httpx.get(f"{url}/metrics").text
        assert "server" not in httpx.get(f"{url}/health").headers
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert time.monotonic() - began < 15
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()
