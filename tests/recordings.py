"""A simulated ride written as FIT, so that a checkout without real recordings still proves the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fit_tool.fit_file_builder import FitFileBuilder
from fit_tool.profile.messages.activity_message import ActivityMessage
from fit_tool.profile.messages.event_message import EventMessage
from fit_tool.profile.messages.file_id_message import FileIdMessage
from fit_tool.profile.messages.hrv_message import HrvMessage
from fit_tool.profile.messages.lap_message import LapMessage
from fit_tool.profile.messages.record_message import RecordMessage
from fit_tool.profile.messages.session_message import SessionMessage
from fit_tool.profile.profile_type import Event, EventType, FileType, Manufacturer, Sport

from ingest.parsers.files import read_recording
from ingest.parsers.recording import Recording
from ingest.simulator.class_simulation import ClassSimulation
from ingest.simulator.straps import NO_FAULTS
from schemas.directory import Participant
from schemas.events import Cadence, HeartRate, Power

START_MS = 1_790_000_000_000
FLOORS = (95, 114, 133, 152, 171)
HRV_SLOTS = 5


@cache
def recorded(path: Path) -> Recording:
    """A real recording, which takes seconds to parse: read once by each worker. Nobody may change it."""
    return read_recording(path)


@dataclass
class Ride:
    """What the file must say when it is read back."""

    heart_rate_bpm: list[int]
    power_watts: list[int]
    cadence_rpm: list[int]
    rr_ms: list[tuple[int, ...]]

    @property
    def intervals(self) -> list[int]:
        return [interval for second in self.rr_ms for interval in second]


def simulated_ride(seconds: int, seed: int = 5) -> Ride:
    """One member of a simulated spin class."""
    person = Participant(member_id=1, name="Rider", resting_heart_rate_bpm=55, ftp_watts=230, heart_rate_zone_floors_bpm=FLOORS)
    simulation = ClassSimulation([person], class_type="spinning", seed=seed, run="ride", faults=NO_FAULTS)
    ride = Ride([], [], [], [])
    for second in range(seconds):
        simulation.advance(START_MS + second * 1000)
        for event in simulation.take(100):
            match event:
                case HeartRate():
                    ride.heart_rate_bpm.append(event.heart_rate_bpm)
                    ride.rr_ms.append(event.rr_ms)
                case Power():
                    ride.power_watts.append(event.power_watts)
                case Cadence():
                    ride.cadence_rpm.append(round(event.cadence_rpm))
    return ride


def write_fit(path: Path, ride: Ride, *, start_ms: int = START_MS, laps: int = 2) -> Path:
    """The ride as a FIT file with RR intervals, laps and a session, written by a library that is not ours."""
    builder = FitFileBuilder(auto_define=True, min_string_size=20)
    builder.add(_file_id(start_ms))
    builder.add(_event(start_ms, EventType.START))
    seconds = len(ride.heart_rate_bpm)
    for second in range(seconds):
        at_ms = start_ms + second * 1000
        builder.add(_record(ride, second, at_ms))
        if ride.rr_ms[second]:
            builder.add(_hrv(ride.rr_ms[second]))
    end_ms = start_ms + (seconds - 1) * 1000
    builder.add(_event(end_ms, EventType.STOP_ALL))
    for lap in range(laps):
        builder.add(_lap(start_ms + lap * (seconds // laps) * 1000, seconds // laps))
    builder.add(_session(start_ms, end_ms, laps))
    builder.add(_activity(end_ms))
    builder.build().to_file(str(path))
    return path


def _file_id(start_ms: int) -> FileIdMessage:
    message = FileIdMessage()
    message.type = FileType.ACTIVITY
    message.manufacturer = Manufacturer.DEVELOPMENT.value
    message.product = 1
    message.time_created = start_ms
    message.serial_number = 0x12345678
    return message


def _event(at_ms: int, kind: EventType) -> EventMessage:
    message = EventMessage()
    message.event = Event.TIMER
    message.event_type = kind
    message.timestamp = at_ms
    return message


def _record(ride: Ride, second: int, at_ms: int) -> RecordMessage:
    message = RecordMessage()
    message.timestamp = at_ms
    message.heart_rate = ride.heart_rate_bpm[second]
    message.power = ride.power_watts[second]
    message.cadence = ride.cadence_rpm[second]
    return message


def _hrv(intervals: Sequence[int]) -> HrvMessage:
    message = HrvMessage()
    message.time = [interval / 1000 for interval in intervals[:HRV_SLOTS]]
    return message


def _lap(start_ms: int, seconds: int) -> LapMessage:
    message = LapMessage()
    message.timestamp = start_ms + seconds * 1000
    message.start_time = start_ms
    message.total_elapsed_time = float(seconds)
    message.total_timer_time = float(seconds)
    return message


def _session(start_ms: int, end_ms: int, laps: int) -> SessionMessage:
    message = SessionMessage()
    message.timestamp = end_ms
    message.start_time = start_ms
    message.total_elapsed_time = (end_ms - start_ms) / 1000
    message.total_timer_time = (end_ms - start_ms) / 1000
    message.sport = Sport.CYCLING
    message.num_laps = laps
    return message


def _activity(end_ms: int) -> ActivityMessage:
    message = ActivityMessage()
    message.timestamp = end_ms
    message.num_sessions = 1
    return message
