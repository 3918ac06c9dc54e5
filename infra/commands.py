"""Commands of the house itself: run it, look at it, migrate, reset, settings."""

import typer

from infra.analyst.commands import register as register_analyst
from infra.backup import commands as backup_commands
from infra.doctor import commands as doctor_commands
from infra.panels import DEVELOP, OPERATE, PROCESSES, START


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("demo", rich_help_panel=START)(demo)
    for name, command in {
        "up": up,
        "status": status,
        "stop": stop,
        "reset": reset,
        "migrate": migrate,
        "topics": topics,
    }.items():
        app.command(name, rich_help_panel=OPERATE)(command)
    app.command("settings", rich_help_panel=OPERATE)(show_settings)
    app.command("schemas", rich_help_panel=DEVELOP)(write_schemas)
    warehouse = typer.Typer(no_args_is_help=True, help="The embedded warehouse.")
    warehouse.command("serve")(serve_warehouse)
    app.add_typer(warehouse, name="warehouse", rich_help_panel=PROCESSES)
    register_analyst(app)
    backup_commands.register(app)
    doctor_commands.register(app)


def up(
    dagster: bool = typer.Option(False, "--dagster", help="Dagster too: repair, statistics, checks (docs/dagster.md)."),
) -> None:
    """Start the servers that have no address of their own, migrate, then start Paceline; Ctrl-C stops all of it."""
    from rich.console import Console

    from infra import operate
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings.model_copy(update={"log_level": "warning"}), "supervisor")  # its lines for people say the rest
    operate.up(settings, Console(soft_wrap=True), also=["dagster"] if dagster else [])


def demo(
    members: int = typer.Option(40, "--members", min=1, max=47, help="How many train."),
    seconds: float | None = typer.Option(None, "--seconds", envvar="DEMO_SECONDS", min=1, help="End by itself after so long."),
) -> None:
    """Start everything and a simulated class; print the page's address and a login made for this run."""
    from rich.console import Console

    from infra.demo import demo as show
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings, "demo")
    show(settings, Console(soft_wrap=True), members=members, seconds=seconds)


def status() -> None:
    """Show which processes run. Exit code 0: all ready; 1: not."""
    from rich.console import Console

    from infra import operate
    from infra.settings import load_settings

    if not operate.status(load_settings(), Console()):
        raise typer.Exit(1)


def stop() -> None:
    """Stop a Paceline that was started elsewhere on this home."""
    from rich.console import Console

    from infra import operate
    from infra.settings import load_settings

    operate.stop(load_settings(), Console())


def reset(
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Remove everything that the embedded servers and flows keep: all recordings, people and classes."""
    from infra import operate
    from infra.settings import load_settings

    settings = load_settings()
    removed = operate.what_reset_removes(settings)
    if not removed:
        typer.echo(f"There is nothing to remove in {settings.home}.")
        return
    typer.echo("This removes for good:\n  " + "\n  ".join(str(path) for path in removed))
    if not yes:
        typer.confirm("Remove them?", abort=True)
    operate.reset(settings)
    typer.echo("Removed.")


def migrate() -> None:
    """Bring topics, warehouse and control plane to this release's shape; the servers must run."""
    from infra.kafka import demand_listening
    from infra.migrate import migrate as migrate_all
    from infra.settings import ensure_secrets, load_settings
    from infra.telemetry.logs import start_logs

    settings = ensure_secrets(load_settings())
    start_logs(settings.model_copy(update={"log_level": "warning"}), "migrate")
    demand_listening(settings)
    migrate_all(settings)
    typer.echo("Topics, warehouse and control plane are up to date.")


def topics(
    make: bool = typer.Option(False, "--make", help="Make those that are missing."),
) -> None:
    """List Kafka's topics: key, partitions, retention, purpose."""
    from rich.console import Console
    from rich.table import Table

    from infra.kafka import demand_listening, ensure_topics
    from infra.settings import load_settings
    from schemas.topics import DAY_MS, TOPICS

    if make:
        settings = load_settings()
        demand_listening(settings)
        made = ensure_topics(settings)
        typer.echo("made: " + ", ".join(made) if made else "None was missing.")
    table = Table("topic", "key", "partitions", "kept", "purpose")
    for topic in TOPICS:
        kept = "newest of each key" if topic.cleanup == "compact" else f"{topic.retention_ms / DAY_MS:g} days"
        table.add_row(topic.name, topic.key, str(topic.partitions), kept, topic.purpose)
    Console().print(table)


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


def serve_warehouse() -> None:
    """Serve the embedded warehouse (ClickHouse over HTTP) on loopback until SIGTERM."""
    from infra.embedded.warehouse.command import serve

    serve()
