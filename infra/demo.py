"""`paceline demo`: the whole system with forty simulated members in a class, for whoever has five minutes.

It uses the doors that everybody uses: commands to seed people and to simulate straps, REST to open and close the class.
"""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape

from infra.embedded.launch import Launch
from infra.errors import PacelineError
from infra.operate import on_signals, show_state
from infra.processes import stages
from infra.settings import Settings, child_environment, ensure_secrets, write_secret
from infra.supervisor import Child, Port, Stage, Supervisor

CLASS_NAME = "Morning Spin"
SUMMARY_PATIENCE_S = 20.0
NEXT_CLASS_S = 7 * 86_400
GUESTS = 1
"""Members on the roster without a simulated strap: a recording that is replayed finds its place there."""
COMMAND = (sys.executable, "-P", "-m", "infra.cli")


class Login(msgspec.Struct, frozen=True):
    """One person's way in, made for this run."""

    email: str
    password: str


class SeededClass(msgspec.Struct, frozen=True):
    """A class of the demo's schedule."""

    id: int
    name: str
    class_type: str


class Seeded(msgspec.Struct, frozen=True):
    """What `paceline seed --demo --json` prints."""

    trainer: Login
    device_token: str
    classes: tuple[SeededClass, ...]


@dataclass
class Stay:
    """How long the demo lasts: until somebody asks for its end, or the time is up."""

    seconds: float | None
    opened: bool = False

    def __post_init__(self) -> None:
        self._over = threading.Event()

    def end(self) -> None:
        self._over.set()

    def wait(self) -> None:
        self._over.wait(self.seconds)


class OpenClass:
    """The class of this run, led over REST like any other."""

    def __init__(self, settings: Settings, members: int) -> None:
        self.settings = settings
        self.members = members
        self.seeded: Seeded
        self.led: SeededClass
        self.session_id = ""

    def open(self) -> None:
        """Seed the people, sign in, and start the class; one that a killed run left open is ended first."""
        self.seeded = self._seed()
        self.led = next(found for found in self.seeded.classes if found.name == CLASS_NAME)
        write_secret(self.settings, "device_token", self.seeded.device_token)
        with self._trainer() as client:
            answer = client.post(f"/api/v1/classes/{self.led.id}/start")
            if answer.status_code == httpx.codes.CONFLICT:
                client.post(f"/api/v1/classes/{self.led.id}/end").raise_for_status()
                answer = client.post(f"/api/v1/classes/{self.led.id}/start")
            self.session_id = _body(answer)["session_id"]

    def close(self) -> dict[str, Any] | None:
        """End the class, unless the trainer did, and wait for its summary."""
        with self._trainer() as client:
            client.post(f"/api/v1/classes/{self.led.id}/end")
            deadline = time.monotonic() + SUMMARY_PATIENCE_S
            while time.monotonic() < deadline:
                answer = client.get(f"/api/v1/sessions/{self.session_id}/summary")
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                time.sleep(0.2)  # REST has no other way to wait for it
        return None

    def _seed(self) -> Seeded:
        done = subprocess.run(
            [*COMMAND, "seed", "--demo", "--members", str(self.members + GUESTS), "--json"],
            env=child_environment(self.settings),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise PacelineError(f"The demo's people could not be made:\n{done.stderr.decode(errors='replace').strip()}")
        return msgspec.json.decode(done.stdout, type=Seeded)

    @contextlib.contextmanager
    def _trainer(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.settings.api_url, timeout=20, trust_env=False) as client:
            login = {"email": self.seeded.trainer.email, "password": self.seeded.trainer.password}
            token = _body(client.post("/api/v1/auth/login", json=login))["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client


def demo(settings: Settings, console: Console, *, members: int, seconds: float | None) -> None:
    """Run it until Ctrl-C or for so many seconds; all children are gone when this returns.

    Raises PacelineError when something does not start.
    """
    settings = ensure_secrets(settings)
    group = OpenClass(settings, members)
    servers, ours = stages(settings)
    plan = (servers, replace(ours, then=group.open, then_name="Opening the class"), Stage((simulator(settings, group),)))
    supervisor = Supervisor(settings, plan, listener=lambda state: show_state(state, console))
    stay = Stay(seconds)
    with _ended_by_signals(stay, supervisor), supervisor:
        try:
            supervisor.wait_ready()
        except PacelineError:
            if supervisor.asked_to_stop:
                return
            raise
        stay.opened = True
        console.print(introduction(settings, group), highlight=False)
        stay.wait()
        console.print("Ending the class …")
        _show_summary(settings, group, console)


def simulator(settings: Settings, group: OpenClass) -> Child:
    """Forty straps, launched when the class is open; when it has ended they wait for the next one."""

    def launch() -> Launch:
        sending = settings.model_copy(update={"device_token": SecretStr(group.seeded.device_token)})
        straps = ["--members", str(group.members), "--class", str(group.led.id), "--scenario", "demo"]
        control = ["--control-port", str(settings.simulator_port), "--wait-s", str(NEXT_CLASS_S)]
        return Launch([*COMMAND, "simulate", *straps, *control], child_environment(sending), settings.home)

    def ready() -> bool:
        try:
            return httpx.get(f"{control_url(settings)}/straps", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    port = Port(settings.simulator_port, "PACELINE_SIMULATOR_PORT")
    return Child(name="simulator", launch=launch, ready=ready, ports=(port,), ready_timeout_s=NEXT_CLASS_S)


def control_url(settings: Settings) -> str:
    """Where straps are switched on and off."""
    return f"http://127.0.0.1:{settings.simulator_port}"


def introduction(settings: Settings, group: OpenClass) -> str:
    """What a newcomer can do now."""
    login = group.seeded.trainer
    analyst = f"{settings.clickhouse_analyst_user}:{settings.clickhouse_analyst_password.get_secret_value()}"
    question = "SELECT member_name, heart_rate_avg_bpm, intensity, trimp FROM v_member_summaries FORMAT PrettyCompact"
    return f"""
[bold green]Paceline is up.[/]

[bold]The class[/]    {settings.api_url}/classes/{group.led.id}/live
[bold]Sign in as[/]   [bold]{login.email}[/]   password [bold]{login.password}[/]   (made for this run)
[bold]Gym screen[/]   {settings.api_url}/classes/{group.led.id}/wall
[bold]Straps[/]       {control_url(settings)}/   pull a strap's network and see its card go stale

Within two minutes somebody's heart rate goes above the limit: acknowledge the alert and see it clear.
Ride your own recording (FIT, TCX, GPX) into the class, on the card without a strap; in a second terminal, here:
  {sys.argv[0]} replay RIDE.fit --speed 20 --class {group.led.class_type}
End the class on its page and read the summary; then ask the warehouse for the same numbers:
  curl -u {analyst} '{settings.clickhouse_address.rsplit("/", 1)[0]}/?database=paceline' \\
    --data-binary "{question}"

Ctrl-C stops everything and keeps the data.
"""


def _show_summary(settings: Settings, group: OpenClass, console: Console) -> None:
    try:
        summary = group.close()
    except (httpx.HTTPError, PacelineError) as failure:
        console.print(f"[yellow]The class could not be ended cleanly: {escape(str(failure))}[/]")
        return
    if summary is None:
        console.print("[yellow]The class has ended; its summary is still being written.[/]")
        return
    attendance, average = summary["attendance"], summary["intensity"]["average"]
    console.print(
        f"{attendance['actual']} of {attendance['expected']} came"
        + (f", average intensity {average:.1f} of 10" if average is not None else "")
        + f": {settings.api_url}/sessions/{group.session_id}/summary"
    )


def _ended_by_signals(stay: Stay, supervisor: Supervisor) -> contextlib.AbstractContextManager[None]:
    """The first signal ends the class and then everything; one before the class is open, or a second one, stops at once."""

    def ask() -> None:
        if stay.opened:
            stay.opened = False
            stay.end()
        else:
            supervisor.ask_to_stop()

    return on_signals(ask)


def _body(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise PacelineError(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text}")
    found: dict[str, Any] = answer.json()
    return found
