"""Commands of the ingest stage."""

from pathlib import Path
from typing import Annotated

import typer

from infra.panels import DEVELOP, PEOPLE, PLAY, PROCESSES
from ingest.conformance.commands import sources
from ingest.straps.commands import strap

CLASS_HELP = "The running class: its id, type or name, such as `spin`."
TOKEN_HELP = "Device token; otherwise PACELINE_DEVICE_TOKEN."  # noqa: S105 - help text


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("gateway", rich_help_panel=PROCESSES)(gateway)
    app.command("replay", rich_help_panel=PLAY)(replay)
    app.command("simulate", rich_help_panel=PLAY)(simulate)
    app.add_typer(strap, name="strap", rich_help_panel=PEOPLE)
    app.add_typer(sources, name="sources", rich_help_panel=DEVELOP)


def gateway() -> None:
    """Run the door for devices: HTTP and WebSocket."""
    from infra.clock import system_clock
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs
    from ingest.gateway.app import serve

    settings = load_settings()
    start_logs(settings, "gateway")
    serve(settings, system_clock)


def replay(
    files: Annotated[list[Path], typer.Argument(help="FIT, TCX, GPX, JSON streams or RR text; also folders of them.")],
    *,
    class_: Annotated[str, typer.Option("--class", help=CLASS_HELP)] = "",
    member: Annotated[str, typer.Option(help="Whose recording it is: id or name. Default: the first who sends nothing.")] = "",
    speed: Annotated[float, typer.Option(min=0, help="Times faster than recorded; 0: as fast as the gateway takes it.")] = 1,
    original_time: Annotated[
        bool | None,
        typer.Option("--original-time/--shift", help="Keep the recording's own times, or move it whole to now."),
    ] = None,
    squeeze: Annotated[bool, typer.Option("--squeeze", help="Begin now, divide its time by the speed: for watching.")] = False,
    with_positions: Annotated[bool, typer.Option("--with-positions", help="Also send where the athlete was.")] = False,
    token: Annotated[str, typer.Option(help=TOKEN_HELP)] = "",
) -> None:
    """Send recorded activities through the gateway, as their devices would have.

    With shifted time the recording's seconds stay seconds. At a speed above 1 it begins in the past and catches up with
    now at its end, so no event is ever in the future. What lies before a class's start does not count in it: so with --class
    and no wish for its time, a recording that does not fit into the running class is squeezed, and a line says so.
    """
    import asyncio

    from rich.console import Console

    from infra.clock import system_clock
    from infra.errors import PacelineError
    from infra.settings import load_settings
    from ingest.replay import Timing
    from ingest.replay_command import ReplayRequest
    from ingest.replay_command import replay as send_all

    if original_time is not None and squeeze:
        raise PacelineError("--squeeze excludes --original-time and --shift", "Choose one.")
    if squeeze and not speed:
        raise PacelineError("--squeeze needs a speed above 0", "Add --speed.")
    settings = load_settings()
    request = ReplayRequest(
        files=tuple(files),
        gateway_url=settings.gateway_url,
        token=token or settings.device_token.get_secret_value(),
        class_=class_,
        member=member,
        speed=speed,
        timing=Timing.SQUEEZE if squeeze else {True: Timing.ORIGINAL, False: Timing.SHIFT, None: None}[original_time],
        positions=with_positions,
    )
    if asyncio.run(send_all(request, system_clock, Console(stderr=True))):
        raise typer.Exit(1)


def simulate(
    *,
    class_: Annotated[str, typer.Option("--class", help=CLASS_HELP)],
    members: Annotated[int, typer.Option(min=1, max=500, help="How many of its participants to simulate.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people, mishaps and readings.")] = 1,
    speed: Annotated[int, typer.Option(min=1, max=10, help="Seconds of training that each real second holds.")] = 1,
    scenario: Annotated[str, typer.Option(help="ordinary; or demo: a member passes the limit after about 70 s.")] = "ordinary",
    faults: Annotated[bool, typer.Option(help="Dropouts, late uploads, outliers, clock skew, doubled events.")] = True,
    stores: Annotated[bool, typer.Option(help="Whether straps keep what they measure while switched off.")] = True,
    over_http: Annotated[bool, typer.Option("--http", help="Send by HTTP instead of a WebSocket stream.")] = False,
    control_port: Annotated[int | None, typer.Option(min=1024, max=65535, help="Port of the strap switches' page.")] = None,
    duration_s: Annotated[float | None, typer.Option(min=1, help="End after so many seconds; else with the class.")] = None,
    wait_s: Annotated[float, typer.Option(min=0, help="How long to wait for the class to start.")] = 0,
    token: Annotated[str, typer.Option(help=TOKEN_HELP)] = "",
) -> None:
    """Let simulated members train in a running class, through the gateway like any device."""
    import asyncio

    from rich.console import Console

    from infra.clock import system_clock
    from infra.errors import PacelineError
    from infra.settings import load_settings
    from ingest.simulator.class_simulation import SCENARIOS
    from ingest.simulator.simulate_command import SimulationRequest
    from ingest.simulator.simulate_command import simulate as run

    chosen = next((known for known in SCENARIOS if known == scenario), None)
    if chosen is None:
        raise PacelineError(f"There is no scenario {scenario!r}", f"Choose from {', '.join(SCENARIOS)}.")
    settings = load_settings()
    request = SimulationRequest(
        gateway_url=settings.gateway_url,
        token=token or settings.device_token.get_secret_value(),
        class_=class_,
        members=members,
        seed=seed,
        speed=speed,
        scenario=chosen,
        faults=faults,
        stores=stores,
        over_http=over_http,
        control_port=control_port,
        duration_s=duration_s,
        wait_s=wait_s,
    )
    asyncio.run(run(request, system_clock, Console(stderr=True)))
