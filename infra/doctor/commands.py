"""`paceline doctor`."""

import typer

from infra.panels import OPERATE


def register(app: typer.Typer) -> None:
    """Add it."""
    app.command("doctor", rich_help_panel=OPERATE)(doctor)


def doctor(
    json: bool = typer.Option(False, "--json", help="Facts and findings as JSON."),
) -> None:
    """Find what is missing, misconfigured, full, slow or out of step. Exit code 0: well; 1: warnings; 2: broken."""
    import msgspec

    from infra.clock import system_clock
    from infra.doctor.examine import collect, judge
    from infra.doctor.finding import EXIT_CODES, verdict
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings.model_copy(update={"log_level": "error"}), "doctor")
    facts = collect(settings, system_clock)
    findings = judge(facts)
    if json:
        told = {"verdict": verdict(findings), "findings": findings, "facts": facts}
        typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=1).decode())
    else:
        for finding in findings:
            typer.secho(f"{finding.level}: {finding.problem}.", fg="red" if finding.level == "broken" else "yellow")
            typer.echo(f"  {finding.remedy}")
        if not findings:
            typer.secho(f"All is well on {settings.home}.", fg="green")
    raise typer.Exit(EXIT_CODES[verdict(findings)])
