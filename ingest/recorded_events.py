"""A recording as the events that its devices would have sent; pure, so that it serves replay and analysis alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ingest.parsers.recording import Recording
from schemas.events import Cadence, DeviceEvent, HeartRate, Position, Power, Speed, Steps

RR_MAX = 64


@dataclass(frozen=True)
class Sender:
    """In whose name, and into which session, a recording is sent."""

    member_id: int
    session_id: str | None = None
    positions: bool = False
    """Where the athlete was is sent only on request."""


@dataclass(frozen=True)
class Clockwork:
    """From the recording's time to event time and to the moment of sending. A speed of 0 sends as fast as the gateway takes."""

    first_ms: int
    event_start_ms: int
    event_pace: float
    """Event milliseconds per recorded millisecond."""
    speed: float

    def event_time_ms(self, time_ms: int) -> int:
        return self.event_start_ms + round((time_ms - self.first_ms) * self.event_pace)

    def due_s(self, time_ms: int) -> float:
        """Seconds after the start of the replay."""
        return (time_ms - self.first_ms) / 1000 / self.speed if self.speed else 0.0


def recorded_events(recording: Recording, sender: Sender, clockwork: Clockwork) -> Iterator[tuple[float, list[DeviceEvent]]]:
    """For each record, when it is due and its events. The same recording laid the same way gives the same ids."""
    beats = _Beats(recording)
    stamp = f"{recording.file}:{recording.start_ms}:{clockwork.event_start_ms}:{clockwork.event_pace:g}"
    name = sha256(stamp.encode()).hexdigest()[:12]
    for index, row in enumerate(recording.records.iter_rows(named=True)):
        envelope: dict[str, Any] = {
            "member_id": sender.member_id,
            "session_id": sender.session_id,
            "device_id": f"replay-{name}",
            "event_time_ms": clockwork.event_time_ms(row["time_ms"]),
        }

        def common(kind: str, index: int = index, envelope: dict[str, Any] = envelope) -> dict[str, Any]:
            return {**envelope, "event_id": f"replay-{name}-{index}-{kind}"}

        yield clockwork.due_s(row["time_ms"]), list(_events_of(row, common, beats, positions=sender.positions))


def _events_of(
    row: dict[str, Any], common: Callable[[str], dict[str, Any]], beats: "_Beats", *, positions: bool
) -> Iterator[DeviceEvent]:
    rr_ms = beats.until(row["time_ms"])
    if row["heart_rate_bpm"] is not None:
        yield HeartRate(**common("hr"), heart_rate_bpm=row["heart_rate_bpm"], rr_ms=rr_ms)
    if row["power_watts"] is not None:
        yield Power(**common("pw"), source="power_meter", power_watts=row["power_watts"])
    if row["cadence_rpm"] is not None:
        yield Cadence(**common("cd"), source="cadence_sensor", cadence_rpm=row["cadence_rpm"])
    if row["speed_mps"] is not None:
        yield Speed(**common("sp"), source="speed_sensor", speed_mps=row["speed_mps"], distance_m=row["distance_m"])
    if row["step_count"] is not None:
        yield Steps(**common("st"), source="wearable_integration", step_count=row["step_count"])
    if positions and row["latitude_deg"] is not None and row["longitude_deg"] is not None:
        yield Position(
            **common("ps"),
            source="gps",
            latitude_deg=row["latitude_deg"],
            longitude_deg=row["longitude_deg"],
            altitude_m=row["altitude_m"],
        )


class _Beats:
    """Hands out each RR interval once, with the first record at or after it."""

    def __init__(self, recording: Recording) -> None:
        self._times = recording.beats["time_ms"].to_list()
        self._intervals = recording.beats["rr_ms"].to_list()
        self._next = 0

    def until(self, time_ms: int) -> tuple[int, ...]:
        start = self._next
        while self._next < len(self._times) and self._times[self._next] <= time_ms:
            self._next += 1
        return tuple(self._intervals[start : self._next][-RR_MAX:])
