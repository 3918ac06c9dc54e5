"""Every warehouse table: its view for readers and its writer, spelled once. Columns are in `schemas/migrations`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Writer = Literal["flow-store", "flow-live", "dagster"]
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Table:
    """One table: readers name its view, its writer inserts; Dagster writes summaries that are missing or wrong."""

    name: str
    purpose: str
    writer: Writer

    @property
    def view(self) -> str:
        """What readers name: the same rows, newest versions only."""
        return f"v_{self.name}"


TELEMETRY_RAW = Table("telemetry_raw", "every value as it came", "flow-store")
TELEMETRY_1S = Table("telemetry_1s", "one row a member-second", "flow-store")
APP_EVENTS = Table("app_events", "what people did", "flow-store")
MEMBER_MINUTES = Table("member_minutes", "one row a member-minute", "flow-live")
ALERTS = Table("alerts", "the present state of every alert", "flow-live")
MEMBER_SUMMARIES = Table("member_summaries", "a member's session in numbers", "flow-live")
CLASS_SUMMARIES = Table("class_summaries", "a class in numbers", "flow-live")
SUMMARY_CORRECTIONS = Table("summary_corrections", "what late data changed", "flow-live")
MEMBER_DAILY = Table("member_daily", "a member's load, fitness, fatigue and form by day", "dagster")

TABLES: tuple[Table, ...] = (
    TELEMETRY_RAW,
    TELEMETRY_1S,
    APP_EVENTS,
    MEMBER_MINUTES,
    ALERTS,
    MEMBER_SUMMARIES,
    CLASS_SUMMARIES,
    SUMMARY_CORRECTIONS,
    MEMBER_DAILY,
)
