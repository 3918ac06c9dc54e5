"""Commands of the house itself: settings."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("settings", rich_help_panel="Operate")(show_settings)
    app.command("schemas", rich_help_panel="Develop")(write_schemas)


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


def write_schemas(
    release: bool = typer.Option(False, "--release", help="Also freeze them as what readers may rely on."),
) -> None:
    """Renew the JSON Schemas and the AsyncAPI document from the code."""
    from schemas.documents import RELEASED, write_documents

    changed = write_documents()
    if release:
        write_documents(RELEASED)
    typer.echo("\n".join(changed) if changed else "Everything was up to date.")
