"""Commands of the api stage: the process itself, people, devices, the demo's club."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.panels import DEVELOP, PEOPLE, PROCESSES

if TYPE_CHECKING:
    from api.desk import Desk

MEMBERS = 40


def register(app: typer.Typer) -> None:
    """Add the commands of this stage."""
    app.command("api", rich_help_panel=PROCESSES)(run_api)
    app.command("seed", rich_help_panel=PEOPLE)(seed)
    app.command("openapi", rich_help_panel=DEVELOP)(write_openapi)
    users = typer.Typer(no_args_is_help=True, help="People who may sign in.")
    users.command("add")(add_user)
    users.command("password")(set_password)
    users.command("list")(list_users)
    app.add_typer(users, name="users", rich_help_panel=PEOPLE)
    devices = typer.Typer(no_args_is_help=True, help="Tokens that let devices send.")
    devices.command("add")(add_device)
    app.add_typer(devices, name="devices", rich_help_panel=PEOPLE)


def run_api() -> None:
    """Run REST, live WebSocket and pages."""
    from api.serve import serve
    from infra.clock import system_clock
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings, "api")
    serve(settings, system_clock)


def add_user(
    email: str,
    name: str,
    role: Annotated[str, typer.Option(help="member, trainer, observer or admin")] = "member",
    ask_password: Annotated[bool, typer.Option("--password", help="Ask for a password; without, no sign-in.")] = False,
) -> None:
    """Add a person."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if ask_password else None
    user_id = _desk().add_user(email, name, role, password)
    typer.echo(f"Added {name} as {role}, id {user_id}.")


def set_password(email: str) -> None:
    """Set somebody's password, unlock them, and end their sign-ins."""
    password = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    _desk().set_password(email, password)
    typer.echo("The password is set.")


def list_users() -> None:
    """Show everybody."""
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "name", "e-mail", "role", "may sign in")
    for user in _desk().users():
        table.add_row(*(str(value) for value in user))
    Console().print(table)


def add_device(
    device_id: str,
    member: Annotated[int | None, typer.Option(help="Member id; without it the token is a gateway's.")] = None,
) -> None:
    """Make a device token and show it, this once."""
    typer.echo(_desk().add_device(device_id, member))


def seed(
    demo: Annotated[bool, typer.Option("--demo", help="The demo's club; nothing else can be seeded.")] = False,
    members: Annotated[int, typer.Option(min=1, help="How many people train.")] = MEMBERS,
    json: Annotated[bool, typer.Option("--json", help="Print logins, token and classes as JSON.")] = False,
) -> None:
    """Make the demo's people and classes, and give the staff new passwords."""
    from infra.errors import PacelineError

    if not demo:
        raise PacelineError("What should be seeded?", "paceline seed --demo")
    made = _desk().seed(members)
    if json:
        import orjson

        typer.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())
        return
    for role in ("trainer", "second_trainer", "observer", "admin", "member"):
        login = made[role]
        typer.echo(f"{role.replace('_', ' '):15} {login['name']:18} {login['email']:48} {login['password']}")
    typer.echo(f"{'device token':15} {made['device_token']}")


def write_openapi() -> None:
    """Renew schemas/generated/openapi.json from the code."""
    import schemas
    from api.app import create_app, openapi_text
    from infra.clock import system_clock
    from infra.settings import Settings

    # the document depends on no setting; the secret only lets the application be put together
    app = create_app(Settings.model_validate({"jwt_secret": "x" * 64}), system_clock)
    path = Path(schemas.__path__[0]) / "generated" / "openapi.json"
    path.write_text(openapi_text(app))
    typer.echo(f"Wrote {path}.")


def _desk() -> "Desk":
    from api.desk import Desk
    from infra.clock import system_clock
    from infra.settings import load_settings

    return Desk(load_settings(), system_clock)
