"""An analysis, printed for people or as JSON."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.analyse import Analysis
from analysis.metrics import GROUPS, METRICS
from ingest.parsers.recording import Recording

UNITS = {metric.name: metric.unit for metric in METRICS}
OF_PARTS = (
    "timer_time_s",
    "moving_time_s",
    "distance_m",
    "hr_avg",
    "hr_max",
    "power_avg",
    "normalized_power",
    "device_calories",
)


def as_json(recording: Recording, analysis: Analysis) -> dict[str, Any]:
    """Metrics by name on the top level; beside them what they are of, what is absent and why, and the same for every part."""
    head = {"file": recording.file, "format": recording.format, **_document(analysis)}
    if analysis.parts:
        head["sessions"] = [_document(part) for part in analysis.parts]
    return head


def _document(analysis: Analysis) -> dict[str, Any]:
    return {
        "sport": analysis.sport,
        **analysis.values,
        "absent": analysis.absent,
        "member_summary": analysis.member_summary,
        "notes": list(analysis.notes),
    }


def show(console: Console, recording: Recording, analysis: Analysis) -> None:
    """Tables by kind of metric, the parts, then what is absent, by reason."""
    device = f", {recording.device}" if recording.device else ""
    console.print(f"[bold]{escape(recording.file)}[/]: {escape(analysis.sport)} ({recording.format}{escape(device)})")
    for title, metrics in GROUPS.items():
        found = [metric for metric in metrics if metric.name in analysis.values]
        if found:
            table = Table(title=title, title_justify="left", box=None, pad_edge=False)
            table.add_column("metric", no_wrap=True)
            table.add_column("value", justify="right")
            table.add_column("unit", no_wrap=True)
            table.add_column("what it is", style="dim")
            for metric in found:
                table.add_row(metric.name, readable(analysis.values[metric.name]), metric.unit, metric.definition)
            console.print(table)
    if analysis.parts:
        console.print(_parts_table(analysis.parts))
    _show_absent(console, analysis)
    for note in analysis.notes:
        console.print(f"Note: {escape(note)}", soft_wrap=True)


def readable(value: Any) -> str:
    """A value as people read it: few decimals, lists and objects in one line."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(readable(part) for part in value)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {readable(part)}" for name, part in value.items())
    return str(value)


def _parts_table(parts: tuple[Analysis, ...]) -> Table:
    table = Table(title="Sessions", title_justify="left", box=None, pad_edge=False)
    table.add_column("sport", no_wrap=True)
    shown = [name for name in OF_PARTS if any(name in part.values for part in parts)]
    for name in shown:
        table.add_column(name, justify="right", overflow="fold")
    for part in parts:
        table.add_row(part.sport, *(readable(part.values[name]) if name in part.values else "" for name in shown))
    return table


def _show_absent(console: Console, analysis: Analysis) -> None:
    by_reason: dict[str, list[str]] = {}
    for name, reason in analysis.absent.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        console.print(f"[dim]Absent ({escape(reason)}): {', '.join(names)}[/]", soft_wrap=True)
