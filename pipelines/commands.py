"""Commands of the pipelines stage: the flows, and what they refused."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from infra.panels import OPERATE, PROCESSES

if TYPE_CHECKING:
    from infra.settings import Settings

letters = typer.Typer(no_args_is_help=True, help="What was refused: look at it and send it again.")


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("flow", rich_help_panel=PROCESSES)(flow)
    app.add_typer(letters, name="dead-letters", rich_help_panel=OPERATE)


def flow(
    name: Annotated[str, typer.Argument(help="store or live")],
    group: Annotated[int, typer.Option(help="which share of the partitions, from 0")] = 0,
    groups: Annotated[int | None, typer.Option(help="how many shares there are; default: PACELINE_FLOW_GROUPS")] = None,
) -> None:
    """Run one flow for one group of partitions until SIGTERM."""
    import os

    from infra.clock import system_clock
    from infra.errors import PacelineError, Unavailable
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs
    from pipelines.flow_run import FlowName, FlowRun
    from pipelines.run import run_flow, stop_on_signals

    if name not in {"store", "live"}:
        raise PacelineError(f"There is no flow {name!r}", "Flows are store and live.")
    settings = load_settings()
    start_logs(settings, f"flow-{name}-{group}")
    chosen: FlowName = "store" if name == "store" else "live"
    try:
        run_flow(FlowRun(settings, chosen, group, groups or settings.flow_groups, stop_on_signals(), system_clock))
    except Unavailable as away:
        away.exit_code = os.EX_TEMPFAIL  # whoever started it shall try again, however often
        raise


@letters.command("list")
def list_letters(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those not sent again.")] = False,
) -> None:
    """List dead letters, oldest first."""
    from rich.console import Console
    from rich.table import Column, Table

    from infra.dead_letters import read_dead_letters

    table = Table(
        Column("id", no_wrap=True), "rejected at (UTC)", "place", "by", "reason", "detail", Column("state", no_wrap=True)
    )
    for letter in read_dead_letters(_settings()).values():
        if waiting and letter.state != "waiting":
            continue
        rejected = letter.rejected
        at = datetime.fromtimestamp(rejected.rejected_at_ms / 1_000, UTC).isoformat(" ", "seconds")[:19]
        stages = ", ".join(letter.stages)
        table.add_row(rejected.rejected_id, at, rejected.place, stages, rejected.reason, rejected.detail, letter.state)
    Console(width=200).print(table)


@letters.command("show")
def show_letter(wanted: Annotated[str, typer.Argument(metavar="ID", help="an id, or how it begins")]) -> None:
    """Show one dead letter with its bytes."""
    from rich.console import Console

    from infra.dead_letters import find, read_dead_letters

    letter = find(read_dead_letters(_settings()), wanted)
    rejected = letter.rejected
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for name in ("rejected_id", "place", "reason", "detail", "topic", "rejected_at_ms"):
        console.print(f"{name}: {getattr(rejected, name)}")
    console.print(f"refused by: {', '.join(letter.stages)}\nstate: {letter.state}\nkey: {rejected.key!r}\npayload:")
    console.print(rejected.payload.decode(errors="backslashreplace"))


@letters.command("retry")
def retry_letters(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="ids, or how they begin")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Send dead letters again, to their topics or through the gateway; what is refused again comes back under a new id."""
    from infra.clock import system_clock
    from infra.dead_letter_retry import retry
    from infra.dead_letters import find, read_dead_letters
    from infra.errors import PacelineError

    settings = _settings()
    found = read_dead_letters(settings)
    chosen = [letter for letter in found.values() if letter.state == "waiting"] if everything else []
    chosen += [find(found, start) for start in wanted or ()]
    if not chosen:
        raise PacelineError("No dead letter to send again", "Name ids, or --all; `paceline dead-letters list` shows them.")
    refused = retry(settings, chosen, system_clock)
    typer.echo("\n".join([f"Sent {len(chosen)} again.", *(f"Refused again: {why}" for why in refused)]))


def _settings() -> "Settings":
    """Of an installation whose Kafka listens."""
    from infra.kafka import demand_listening
    from infra.settings import load_settings

    settings = load_settings()
    demand_listening(settings)
    return settings
