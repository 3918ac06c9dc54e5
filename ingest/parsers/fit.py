"""FIT files: Garmin's binary form, from any maker's device."""

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import fitdecode

from ingest.parsers.recording import Lap, RecordedSession, Recording, Row, UnreadableRecording, build_recording, number

SEMICIRCLE_DEG = 180 / 2**31
REANCHOR_MS = 3_000
"""Beats are laid end to end; when they drift further than this from the records around them, they start anew."""
FIELDS: dict[str, tuple[str, float]] = {
    "heart_rate": ("heart_rate_bpm", 1),
    "power": ("power_watts", 1),
    "cadence": ("cadence_rpm", 1),
    "speed": ("speed_mps", 1),
    "enhanced_speed": ("speed_mps", 1),
    "distance": ("distance_m", 1),
    "position_lat": ("latitude_deg", SEMICIRCLE_DEG),
    "position_long": ("longitude_deg", SEMICIRCLE_DEG),
    "altitude": ("altitude_m", 1),
    "enhanced_altitude": ("altitude_m", 1),
    "steps": ("step_count", 1),
}
"""FIT's record fields, our column and the factor between them. Of a plain and an `enhanced_` field the enhanced one wins."""


def read_fit(data: bytes, file: str) -> Recording:
    """The activity in a FIT file, all its sessions in one timeline.

    Fields that apps added ("developer fields") are named in `notes` and left out. The checksum is checked first, so that a
    damaged file is refused as a whole.
    """
    source = io.BytesIO(data)
    collected = _Collected()
    try:
        with fitdecode.FitReader(
            source, check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.IGNORE
        ) as frames:
            for frame in frames:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    collected.take(frame)
    except fitdecode.FitCRCError as fault:
        raise UnreadableRecording(file, _place(source, data, collected), f"its checksum is wrong: {fault}") from None
    except fitdecode.FitEOFError as fault:
        raise UnreadableRecording(file, _place(source, data, collected), f"it ends too early: {fault}") from None
    except Exception as fault:
        # fitdecode lets struct, type and overflow errors through when bytes are damaged
        raise UnreadableRecording(file, _place(source, data, collected), f"it is not valid FIT: {fault}") from fault
    if not collected.rows:
        kind = collected.file_type or "file"
        raise UnreadableRecording(file, _place(source, data, collected), f"this FIT {kind} holds no activity records")
    return collected.recording(file)


def _place(source: io.BytesIO, data: bytes, collected: "_Collected") -> str:
    return f"at byte {source.tell()} of {len(data)}, after {len(collected.rows)} records"


class _Collected:
    """What has been read so far."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.sessions: list[RecordedSession] = []
        self.laps: list[Lap] = []
        self.intervals: list[tuple[int | None, float]] = []
        """Each RR interval with the time of the record or event before it in the file."""
        self.file_type = ""
        self.device = ""
        self.developer_fields: set[str] = set()
        self.pauses_ms: list[tuple[int, int]] = []
        self._stopped_ms: int | None = None
        self._before_ms: int | None = None

    def take(self, frame: Any) -> None:
        match frame.name:
            case "record":
                self._record(frame)
            case "hrv":
                self._beats(frame)
            case "event":
                self._event(_fields(frame))
            case "session":
                self._session(_fields(frame))
            case "lap":
                self._lap(_fields(frame))
            case "file_id":
                fields = _fields(frame)
                self.file_type = str(fields.get("type") or "")
                self.device = " ".join(
                    str(fields[part]) for part in ("manufacturer", "garmin_product", "product_name") if fields.get(part)
                )

    def _record(self, frame: Any) -> None:
        row: Row = {}
        for found in frame.fields:
            name, value = found.name, found.value
            if found.field_def is not None and found.field_def.is_dev:
                self.developer_fields.add(str(name))
            elif name == "timestamp":
                row["time_ms"] = _ms(value)
            elif value is not None and name in FIELDS:
                column, factor = FIELDS[name]
                reading = number(value)
                if reading is not None and (column not in row or name.startswith("enhanced_")):
                    row[column] = reading * factor
        self.rows.append(row)
        self._before_ms = _ms_of(row) or self._before_ms

    def _event(self, fields: dict[str, Any]) -> None:
        at_ms = _ms(fields.get("timestamp"))
        self._before_ms = at_ms or self._before_ms
        if at_ms is None or fields.get("event") != "timer":
            return
        if str(fields.get("event_type")).startswith("stop"):
            self._stopped_ms = at_ms if self._stopped_ms is None else self._stopped_ms
        elif self._stopped_ms is not None:
            self.pauses_ms.append((self._stopped_ms, at_ms))
            self._stopped_ms = None

    def _beats(self, frame: Any) -> None:
        for found in frame.fields:
            if found.name != "time":
                continue
            for interval_s in found.value if isinstance(found.value, tuple | list) else (found.value,):
                seconds = number(interval_s)
                if seconds is not None:
                    self.intervals.append((self._before_ms, seconds * 1000))

    def _session(self, fields: dict[str, Any]) -> None:
        start, end = _span(fields)
        if start is None or end is None:
            return
        self.sessions.append(
            RecordedSession(
                sport=str(fields.get("sport") or "unknown"),
                sub_sport=str(fields.get("sub_sport") or ""),
                start_ms=start,
                end_ms=end,
                timer_s=number(fields.get("total_timer_time")),
                distance_m=number(fields.get("total_distance")),
                calories_kcal=number(fields.get("total_calories")),
                speed_avg_mps=number(fields.get("enhanced_avg_speed", fields.get("avg_speed"))),
            )
        )

    def _lap(self, fields: dict[str, Any]) -> None:
        start, end = _span(fields)
        if start is not None and end is not None:
            distance, calories = number(fields.get("total_distance")), number(fields.get("total_calories"))
            self.laps.append(Lap(start_ms=start, end_ms=end, distance_m=distance, calories_kcal=calories))

    def recording(self, file: str) -> Recording:
        notes = (f"fields of apps left out: {', '.join(sorted(self.developer_fields))}",) if self.developer_fields else ()
        return build_recording(
            file,
            "fit",
            self.rows,
            beats=_lay_out(self.intervals, self.rows),
            sessions=sorted(self.sessions, key=lambda session: session.start_ms),
            laps=tuple(sorted(self.laps, key=lambda lap: lap.start_ms)),
            device=self.device,
            pauses_ms=tuple(self.pauses_ms),
            notes=notes,
        )


def _lay_out(intervals: list[tuple[int | None, float]], rows: list[Row]) -> Iterator[tuple[int, float]]:
    """Give each interval the time of its end: intervals follow each other, and are set anew at a record far from them."""
    first_ms = next((ms for ms in map(_ms_of, rows) if ms is not None), 0)
    clock_ms: float = 0
    anchor_ms = -1
    for before_ms, interval_ms in intervals:
        here_ms = first_ms if before_ms is None else before_ms
        clock_ms += interval_ms
        if here_ms != anchor_ms:
            anchor_ms = here_ms
            if abs(clock_ms - here_ms) > REANCHOR_MS:
                clock_ms = here_ms
        yield round(clock_ms), interval_ms


def _fields(frame: Any) -> dict[str, Any]:
    """The profile's own fields of a message, the first value of each."""
    values: dict[str, Any] = {}
    for found in frame.fields:
        if found.value is not None and not (found.field_def is not None and found.field_def.is_dev):
            values.setdefault(found.name, found.value)
    return values


def _ms(value: object) -> int | None:
    """A FIT date as epoch milliseconds; a count of seconds since power-on is no date."""
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else None


def _ms_of(row: Row) -> int | None:
    time_ms = row.get("time_ms")
    return None if time_ms is None else int(time_ms)


def _span(fields: dict[str, Any]) -> tuple[int | None, int | None]:
    """Start and end of a lap or session: the end is the start plus what elapsed, or the message's own time."""
    start, end = _ms(fields.get("start_time")), _ms(fields.get("timestamp"))
    elapsed = number(fields.get("total_elapsed_time"))
    if start is not None and elapsed is not None and elapsed >= 0:
        end = start + round(elapsed * 1000)
    return start, end
