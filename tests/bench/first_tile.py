"""From an empty checkout to the first live tile: `make bench-start`.

Clones this repository's last commit into a temporary folder, with a home that holds nothing, runs `make demo`, signs in with
the login it prints and waits for a heart rate on the live WebSocket. Downloads come from the package registries, so the figure
is also one of the network; what is installed already (Python, make, git) is not measured.
"""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from websockets.sync.client import connect

from tests.bench.figures import Figure
from tests.running import ROOT, settings_in, wait_until

GOAL_S = 300.0
PATIENCE_S = 1_200.0
PASSED_ON = re.compile(
    r"(?i)path|lang|.*proxy|.*cert.*|.*ssl.*|.*_ca_.*|.*ca_bundle|pip_.*|uv_.*|npm_.*|maven_.*|jgo_.*|pyenv_.*"
)
"""Whatever leads to a mirror or an authority, and nothing of the user's own."""
PORTS = ("KAFKA", "CLICKHOUSE", "API", "GATEWAY", "SUPERVISOR", "SIMULATOR", "METRICS")


def measure() -> Iterator[Figure]:
    with TemporaryDirectory(prefix="pl-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # under root PostgreSQL runs as somebody else
        home, checkout = Path(folder) / "home", Path(folder) / "paceline"
        home.mkdir()
        environment = _environment(home)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        began = time.monotonic()
        log = Path(folder) / "demo.log"
        with log.open("wb") as output:
            demo = subprocess.Popen(
                ["make", "demo"], cwd=checkout, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            up_s, tile_s = _first_tile(demo, log, began)
        finally:
            _end(demo)
    yield Figure("from an empty checkout to the running demo", up_s, "s", None, "lower")
    yield Figure(
        "from an empty checkout to the first live tile", tile_s, "s", GOAL_S, "lower", note="empty caches; downloads included"
    )


def _first_tile(demo: "subprocess.Popen[bytes]", log: Path, began: float) -> tuple[float, float]:
    def told(pattern: str) -> re.Match[str] | None:
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
        assert demo.poll() is None, f"make demo ended with {demo.returncode}:\n{text[-3000:]}"
        return re.search(pattern, text)

    wait_until(lambda: told(r"Sign in as\s+(\S+)\s+password (\S+)"), "the demo's login", PATIENCE_S, 0.1)
    up_s = time.monotonic() - began
    login, page = told(r"Sign in as\s+(\S+)\s+password (\S+)"), told(r"(http://\S+)/classes/(\d+)/live")
    assert login
    assert page
    with httpx.Client(base_url=page[1], timeout=10, trust_env=False) as client:
        answer = client.post("/api/v1/auth/login", json={"email": login[1], "password": login[2]}).raise_for_status()
        token = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        [running] = client.get("/api/v1/live/sessions").raise_for_status().json()["sessions"]
    _await_heart_rate(page[1], token, f"metrics:{running['session_id']}")
    return up_s, time.monotonic() - began


def _await_heart_rate(url: str, token: str, channel: str) -> None:
    """What a page does: open the socket, say hello, paint the first value."""
    with connect(url.replace("http", "ws", 1) + "/api/v1/live/ws", proxy=None) as socket:
        socket.send(json.dumps({"type": "hello", "version": 1, "token": token, "subscriptions": [{"channel": channel}]}))
        while True:
            message = json.loads(socket.recv(timeout=120))
            columns = message.get("columns", {})
            if any(bpm is not None for bpm in columns.get("heart_rate_bpm", ())):
                return


def _environment(home: Path) -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    free = settings_in(home / "ports-only")
    ports = {f"PACELINE_{name}_PORT": str(getattr(free, f"{name.lower()}_port")) for name in PORTS}
    return passed | ports | {"HOME": str(home)}


def _end(demo: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C for make and all it has started."""
    if demo.poll() is None:
        os.killpg(demo.pid, signal.SIGINT)
    try:
        demo.wait(90)
    except subprocess.TimeoutExpired:
        os.killpg(demo.pid, signal.SIGKILL)
        demo.wait()
