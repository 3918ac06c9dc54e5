"""Commands of the house itself: settings."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("settings", rich_help_panel="Operate")(show_settings)


def show_settings(
    validate: bool = typer.Option(False, "--validate", help="Only check; print nothing when they are usable."),
) -> None:
    """Show the effective settings, secrets hidden."""
    from rich.console import Console
    from rich.table import Table

    from infra.settings import Settings, load_settings

    settings = load_settings()
    if validate:
        return
    table = Table("setting", "value", "what it is")
    for name, value in settings.shown().items():
        table.add_row(f"PACELINE_{name.upper()}", str(value), Settings.model_fields[name].description or "")
    Console(width=160).print(table)
