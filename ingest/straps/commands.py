"""`paceline strap`: look for straps, and be their way to the gateway."""

from pathlib import Path
from typing import Annotated

import typer

ADAPTER_HELP = "Bluetooth adapter on Linux, such as hci1; otherwise the first."
TOKEN_HELP = "Token of a hub; otherwise PACELINE_DEVICE_TOKEN."  # noqa: S105 - help text
BLE_REMEDY = "Install the extra `ble` of this package: `.venv/bin/uv pip install --python .venv -e '.[ble]'`."
strap = typer.Typer(no_args_is_help=True, help="Bluetooth straps, sensors and machines near this computer.")


@strap.command()
def scan(
    *,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="How long to look.")] = 10,
    adapter: Annotated[str, typer.Option(help=ADAPTER_HELP)] = "",
) -> None:
    """List the straps, sensors and machines that advertise themselves near this computer. Connects to none."""
    import asyncio

    from rich.console import Console

    from infra.clock import system_clock

    _need_bleak()
    from ingest.straps.radio import Radio
    from ingest.straps.scan_command import scan as look

    asyncio.run(look(Radio(adapter), seconds, system_clock, Console()))


@strap.command()
def connect(
    *,
    member: Annotated[
        list[str] | None,
        typer.Option(
            help="A strap and whose it is: ADDRESS=MEMBER_ID. Once for each; without any, as trainers say in the page."
        ),
    ] = None,
    adapter: Annotated[str, typer.Option(help=ADAPTER_HELP)] = "",
    gateway: Annotated[str, typer.Option(help="Address of the gateway; otherwise as the settings say.")] = "",
    api: Annotated[str, typer.Option(help="Address of API and pages; otherwise as the settings say.")] = "",
    store: Annotated[Path | None, typer.Option(help="File that keeps what is not sent yet.")] = None,
    token: Annotated[str, typer.Option(help=TOKEN_HELP)] = "",
) -> None:
    """Hold the links to the members' straps and send what they measure to the gateway, until stopped.

    Straps that drop are connected again as soon as they are seen. While the gateway is away, values wait on disk and are
    sent later, in order, each counting once.
    """
    import asyncio
    import random

    from rich.console import Console

    from infra.clock import system_clock
    from infra.settings import load_settings

    _need_bleak()
    from ingest.straps.connect_command import ConnectRequest, assignments_of
    from ingest.straps.connect_command import connect as follow
    from ingest.straps.radio import Radio

    settings = load_settings()
    request = ConnectRequest(
        members=assignments_of(member or []),
        gateway_url=gateway.rstrip("/") or settings.gateway_url,
        api_url=api.rstrip("/") or settings.api_url,
        token=token or settings.device_token.get_secret_value(),
        store=store or settings.home / "straps.sqlite",
    )
    spread = random.Random()  # noqa: S311 - spreads retries
    asyncio.run(follow(request, Radio(adapter), system_clock, spread, Console(stderr=True)))


def _need_bleak() -> None:
    from importlib.util import find_spec

    from infra.errors import PacelineError

    if find_spec("bleak") is None:
        raise PacelineError("Bluetooth needs the package bleak, which is not installed", BLE_REMEDY)
