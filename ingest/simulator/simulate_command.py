"""`paceline simulate`: find the running class, put simulated people into it, and let them train."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256

import uvicorn
from rich.console import Console

from infra.clock import Clock
from infra.errors import PacelineError
from ingest.choosing import choose_session
from ingest.device_client import HttpUplink, StreamUplink, Uplink, ask_running_sessions
from ingest.gateway.running import RunningSession
from ingest.simulator.class_simulation import ClassSimulation, Scenario
from ingest.simulator.control_page import control_app
from ingest.simulator.driver import Driver
from ingest.simulator.straps import NO_FAULTS, Faults


@dataclass(frozen=True)
class SimulationRequest:
    """What the person asked for."""

    gateway_url: str
    token: str
    class_: str
    members: int
    seed: int
    speed: int = 1
    scenario: Scenario = "ordinary"
    faults: bool = True
    stores: bool = True
    over_http: bool = False
    control_port: int | None = None
    duration_s: float | None = None
    wait_s: float = 0


async def simulate(request: SimulationRequest, clock: Clock, console: Console) -> None:
    """Run until the class ends, the duration is over, or SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    session = await _running_class(request, clock)
    simulation = _simulation(request, session, clock())
    uplink = _uplink(request)
    console.print(f"{len(simulation.straps)} simulated members train in “{session.class_name}”.", highlight=False)
    driver = Driver(
        simulation,
        uplink,
        clock,
        session.session_id,
        request.gateway_url,
        request.token,
        body_seconds=request.speed,
        duration_s=request.duration_s,
    )
    try:
        async with _control_page(request.control_port, session.class_name, simulation, console):
            await driver.run(stop)
    finally:
        await uplink.close()
        console.print(f"Simulation over: {uplink.totals}.", highlight=False)


async def _running_class(request: SimulationRequest, clock: Clock) -> RunningSession:
    until_ms = clock() + request.wait_s * 1000
    while True:
        try:
            running = await ask_running_sessions(request.gateway_url, request.token)
            return choose_session(running.sessions, request.class_)
        except PacelineError:
            if clock() >= until_ms:
                raise
        await asyncio.sleep(0.5)


def _simulation(request: SimulationRequest, session: RunningSession, now_ms: int) -> ClassSimulation:
    people = [seen.participant for seen in session.participants][: request.members]
    if len(people) < request.members:
        raise PacelineError(
            f"The class has {len(people)} members, not {request.members}", "Put more on its roster, or ask for fewer."
        )
    run = sha256(f"{session.session_id}:{request.seed}:{now_ms}".encode()).hexdigest()[:10]
    return ClassSimulation(
        people,
        class_type=session.class_type,
        seed=request.seed,
        run=run,
        session_id=session.session_id,
        segments=session.segments,
        planned_duration_s=session.planned_duration_s,
        class_second=max(0, (now_ms - session.started_at_ms) // 1000),
        scenario=request.scenario,
        faults=Faults() if request.faults else NO_FAULTS,
        stores=request.stores,
    )


def _uplink(request: SimulationRequest) -> Uplink:
    spread = random.Random(request.seed)  # noqa: S311 - spreads retries
    if request.over_http:
        return HttpUplink(request.gateway_url, request.token, spread)
    return StreamUplink(request.gateway_url, request.token, spread)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the command it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _control_page(port: int | None, title: str, simulation: ClassSimulation, console: Console) -> AsyncIterator[None]:
    if port is None:
        yield
        return
    app = control_app(title, simulation.straps)
    server = _Server(uvicorn.Config(app, "127.0.0.1", port, log_config=None, access_log=False, ws="none"))
    serving = asyncio.create_task(server.serve())
    console.print(f"Strap switches: http://127.0.0.1:{port}/", highlight=False)
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving], timeout=5)
