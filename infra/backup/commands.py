"""`paceline backup` and `paceline restore`."""

from pathlib import Path

import typer

from infra.panels import OPERATE


def register(app: typer.Typer) -> None:
    """Add both."""
    app.command("backup", rich_help_panel=OPERATE)(backup)
    app.command("restore", rich_help_panel=OPERATE)(restore)


def backup(
    target: Path = typer.Argument(help="A folder that does not exist yet."),
    secrets: bool = typer.Option(True, help="Include the secrets that were made in this home."),
) -> None:
    """Copy everything into a folder; Paceline may run or stand still."""
    from infra.backup import operate
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings.model_copy(update={"log_level": "warning"}), "backup")
    typer.echo(operate.backup(settings, target.absolute(), with_secrets=secrets))


def restore(
    source: Path = typer.Argument(help="A folder that `paceline backup` made."),
) -> None:
    """Bring a backup back into an empty installation; nothing of it may run. Only from a folder that you trust."""
    from infra.backup import operate
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings.model_copy(update={"log_level": "warning"}), "restore")
    typer.echo(operate.restore(settings, source.absolute()))
