"""Commands over whole recordings: `analyze` one, and compare all numbers with those that others published."""

from pathlib import Path
from typing import Annotated

import typer

from infra.panels import DEVELOP, PLAY
from schemas.directory import Sex


def register(app: typer.Typer) -> None:
    """Add the commands of this folder."""
    app.command("analyze", rich_help_panel=PLAY)(analyze)
    app.command("numbers", rich_help_panel=DEVELOP)(numbers)


def analyze(
    file: Annotated[Path, typer.Argument(help="FIT, TCX, GPX, JSON streams or a text of RR intervals; also as .gz or .zip.")],
    *,
    ftp: Annotated[int | None, typer.Option(min=30, max=700, help="Functional threshold power, W.")] = None,
    max_hr: Annotated[
        int | None,
        typer.Option(min=100, max=240, help="Maximum heart rate, bpm. Default: 208 − 0.7 × age, when --age is given."),
    ] = None,
    resting_hr: Annotated[int | None, typer.Option(min=25, max=120, help="Resting heart rate, bpm.")] = None,
    threshold_hr: Annotated[
        int | None, typer.Option(min=80, max=230, help="Threshold heart rate, bpm. Default: 85 % of heart-rate reserve.")
    ] = None,
    sex: Annotated[Sex | None, typer.Option(help="For TRIMP and energy. Default: the mean of both formulas.")] = None,
    age: Annotated[int | None, typer.Option(min=5, max=120, help="Years.")] = None,
    mass: Annotated[float | None, typer.Option(min=20, max=300, help="Body mass, kg.")] = None,
    cp: Annotated[float | None, typer.Option(min=10, max=1000, help="Critical power, W; with --w-prime.")] = None,
    w_prime: Annotated[float | None, typer.Option(min=500, max=100_000, help="W′, J (not kJ); with --cp.")] = None,
    hr_zones: Annotated[
        str,
        typer.Option(
            metavar="BPM,BPM,…",
            help="Lower bounds of the heart-rate zones, ascending, such as 106,130,145; a value on a bound is in the "
            "higher zone. Default: 50, 60, 70, 80, 90 % of maximum.",
        ),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: metrics by name, `absent` with reasons.")
    ] = False,
) -> None:
    """Compute every metric of a recording, without any server.

    The numbers are those of the live flow and of the warehouse jobs: the same functions over the same seconds. What needs an
    option or a channel that is missing stays absent, with the reason. Options may stand before or after FILE, in any order.
    """
    from rich.console import Console

    from analysis.analyse import analyse
    from analysis.athlete import Athlete, check, zone_bounds
    from analysis.report import as_json as document
    from analysis.report import show
    from infra.errors import PacelineError
    from ingest.parsers.files import read_recording
    from ingest.parsers.recording import UnreadableRecording

    athlete = check(
        Athlete(
            sex=sex,
            age_years=age,
            mass_kg=mass,
            max_bpm=max_hr,
            resting_bpm=resting_hr,
            threshold_bpm=threshold_hr,
            ftp_watts=ftp,
            critical_power_watts=cp,
            w_prime_joules=w_prime,
            zone_bounds_bpm=zone_bounds(hr_zones),
        )
    )
    try:
        recording = read_recording(file)
    except UnreadableRecording as fault:
        raise PacelineError(str(fault), "Nothing was computed.") from None
    analysis = analyse(recording, athlete)
    if as_json:
        import orjson

        typer.echo(orjson.dumps(document(recording, analysis), option=orjson.OPT_INDENT_2).decode())
    else:
        show(Console(highlight=False), recording, analysis)


def numbers(
    data: Annotated[Path, typer.Argument(help="Folder with metrics/reference_metrics.json and the recordings it names.")],
    *,
    write: Annotated[Path | None, typer.Option(help="Write the tables to this file, such as docs/numbers.md.")] = None,
) -> None:
    """Compare our numbers with those that others published; exit code 1 when one lies outside its tolerance."""
    from analysis.numbers_page import page
    from analysis.published import compare_all
    from infra.errors import PacelineError

    if not (data / "metrics" / "reference_metrics.json").is_file():
        raise PacelineError(f"{data} holds no metrics/reference_metrics.json", "Name the folder of the published numbers.")
    comparisons = compare_all(data)
    if write is not None:
        write.write_text(page(comparisons))
    missed = [comparison for comparison in comparisons if not comparison.met]
    for comparison in missed:
        row = f"{comparison.metric}: ours {comparison.ours}, theirs {comparison.theirs}"
        typer.echo(f"{comparison.input} {row}", err=True)
    typer.echo(f"{len(comparisons) - len(missed)} of {len(comparisons)} published numbers met.")
    if missed:
        raise typer.Exit(1)
