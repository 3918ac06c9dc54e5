"""`paceline sources`: for the authors of sources."""

from pathlib import Path
from typing import Annotated

import typer

sources = typer.Typer(no_args_is_help=True, help="For those who write a source of events: a device, an app, a hub.")


@sources.callback()
def _group() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@sources.command()
def verify(
    events: Annotated[
        Path | None,
        typer.Argument(help="What your source sends: a JSON array, or .ndjson. Without it, heart rates of ours are sent."),
    ] = None,
    *,
    member: Annotated[int | None, typer.Option(min=1, help="Send all events as this member's, best one for tests.")] = None,
    gateway: Annotated[str, typer.Option(help="Address of the gateway; otherwise as the settings say.")] = "",
    token: Annotated[str, typer.Option(help="Device token; otherwise PACELINE_DEVICE_TOKEN.")] = "",
) -> None:
    """Try out with your token and events what a gateway promises a source: accepted, doubled, late, rejected, health.

    Your events are sent under new ids and as if measured just now, so they count: choose a member for tests. The exit code is
    0 when every promise was kept.
    """
    import asyncio
    import secrets

    from rich.console import Console

    from infra.clock import system_clock
    from infra.settings import load_settings
    from ingest.conformance.verify_command import VerifyRequest
    from ingest.conformance.verify_command import verify as try_out

    settings = load_settings()
    request = VerifyRequest(
        gateway_url=gateway.rstrip("/") or settings.gateway_url,
        token=token or settings.device_token.get_secret_value(),
        member_id=member,
        events=events,
    )
    if not asyncio.run(try_out(request, system_clock, secrets.token_hex(4), Console())):
        raise typer.Exit(1)
