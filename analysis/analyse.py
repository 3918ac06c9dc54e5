"""One recording, every metric: what came out, and why the rest did not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from analysis.activity import session_spans
from analysis.athlete import Athlete
from analysis.metric import Metric, Missing, Subject
from analysis.metrics import METRICS
from ingest.parsers.recording import RecordedSession, Recording
from pipelines.steps.recorded_time import running_seconds

DECIMALS = 4
GAPS_WORTH_TELLING_S = 60
RESTS_ON_ZONES = ("zone_s", "effort_points")
RESTS_ON_MAXIMUM = ("intensity",)
NOT_OF_A_CLASS = ("session_id", "class_id", "member_id", "member_name", "attended", "alerts", "revision", "computed_from")


@dataclass(frozen=True)
class Analysis:
    """`values` by metric name (numbers, texts, lists, objects), `absent` with the reason for every other metric."""

    sport: str
    values: dict[str, Any]
    absent: dict[str, str]
    member_summary: dict[str, Any]
    """What a class would have written to `member_summaries`, by column; unknown maximum or zones leave their columns out."""
    notes: tuple[str, ...]
    parts: "tuple[Analysis, ...]" = ()
    """Every sport of a recording of several, in order."""


def analyse(recording: Recording, athlete: Athlete) -> Analysis:
    """Every metric of the recording as a whole, and of each of its sessions when there are several."""
    parts = _parts(recording) if len(recording.sessions) > 1 else []
    return replace(analyse_whole(recording, athlete), parts=tuple(analyse_whole(part, athlete) for part in parts))


def analyse_whole(recording: Recording, athlete: Athlete) -> Analysis:
    """Every metric of the recording as a whole."""
    subject = Subject(recording, athlete)
    values, absent = find(subject, METRICS)
    return Analysis(_sport(recording), values, absent, _member_summary(subject), tuple(_notes(subject)))


def find(subject: Subject, metrics: Iterable[Metric]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by name, and for the absent ones the reason."""
    values: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for metric in metrics:
        try:
            values[metric.name] = _plain(metric.find(subject))
        except Missing as reason:
            absent[metric.name] = str(reason)
    return values, absent


def _parts(recording: Recording) -> list[Recording]:
    """The recording cut into its sessions; one without a record is left out."""
    found = []
    for session, begin_ms, end_ms in session_spans(recording):
        inside = pl.col("time_ms").is_between(begin_ms, end_ms, closed="left")
        records, beats = recording.records.filter(inside), recording.beats.filter(inside)
        if not records.is_empty():
            found.append(replace(recording, records=records, beats=beats, sessions=(session,), dropped={}, notes=()))
    return found


def _member_summary(subject: Subject) -> dict[str, Any]:
    row = {name: value for name, value in vars(subject.totals).items() if name not in NOT_OF_A_CLASS}
    unknown = {
        *(() if subject.athlete.class_floors_bpm else RESTS_ON_ZONES),
        *(() if subject.athlete.maximum_bpm is not None else RESTS_ON_MAXIMUM),
    }
    return {name: _plain(value) for name, value in row.items() if name not in unknown and value is not None}


def _notes(subject: Subject) -> list[str]:
    recording, athlete = subject.recording, subject.athlete
    notes = list(recording.notes)
    notes += [f"{count} values of {column} were implausible and left out" for column, count in recording.dropped.items()]
    if athlete.max_bpm is None and athlete.maximum_bpm is not None:
        notes.append(f"maximum heart rate {athlete.maximum_bpm:g} bpm is estimated from age (Tanaka), ± 10 bpm")
    if athlete.maximum_bpm is not None and subject.activity.every("heart_rate_bpm").max(initial=0) > athlete.maximum_bpm:
        notes.append("the recording holds heart rates above the maximum")
    if athlete.sex is None and athlete.resting_bpm is not None:
        notes.append("without --sex, TRIMP is the mean of the curves for women and men")
    if athlete.zone_bounds_bpm and athlete.class_floors_bpm != athlete.zone_bounds_bpm:
        notes.append("a class has five zones: effort points and hard minutes use zones by maximum, not --hr-zones")
    lost_s = float(running_seconds(subject.activity.record_s, subject.activity.pauses).sum()) - subject.activity.counted_s
    if lost_s > GAPS_WORTH_TELLING_S:
        notes.append(f"{lost_s:.0f} s lie in gaps of more than 10 s: they count in no zone and no load")
    if recording.format == "rr":
        notes.append("heart rate is the mean of the beats of the last five seconds")
    return notes


def _sport(recording: Recording) -> str:
    return ", ".join(dict.fromkeys(_session_sport(session) for session in recording.sessions))


def _session_sport(session: RecordedSession) -> str:
    sub = session.sub_sport if session.sub_sport not in {"", "generic", session.sport} else ""
    return f"{session.sport} ({sub})" if sub else session.sport


def _plain(value: Any) -> Any:
    """Plain values for JSON, floats rounded beyond what anybody measures."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value
