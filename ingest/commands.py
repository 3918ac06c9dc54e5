"""Commands of the ingest stage."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("gateway", rich_help_panel="Processes")(gateway)


def gateway() -> None:
    """Run the door for devices: HTTP and WebSocket."""
    from infra.clock import system_clock
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs
    from ingest.gateway.app import serve

    settings = load_settings()
    start_logs(settings, "gateway")
    serve(settings, system_clock)
