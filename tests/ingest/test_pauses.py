"""What files tell of the device's timer: FIT by events, TCX by second tracks of a lap, GPX by further segments."""

from pathlib import Path

import pytest
from fit_tool.fit_file_builder import FitFileBuilder
from fit_tool.profile.messages.event_message import EventMessage
from fit_tool.profile.messages.file_id_message import FileIdMessage
from fit_tool.profile.messages.record_message import RecordMessage
from fit_tool.profile.profile_type import Event, EventType, FileType, Manufacturer

from analysis.activity import Activity
from analysis.analyse import analyse
from analysis.athlete import Athlete
from ingest.parsers.files import read_bytes, read_recording

START_MS = 1_790_000_000_000
POINT = "<Trackpoint><Time>2026-01-01T10:00:{:02d}Z</Time><HeartRateBpm><Value>120</Value></HeartRateBpm></Trackpoint>"


def fit(path: Path, seconds: list[int], events: list[tuple[int, EventType]]) -> Path:
    builder = FitFileBuilder(auto_define=True, min_string_size=20)
    head = FileIdMessage()
    head.type, head.manufacturer, head.product = FileType.ACTIVITY, Manufacturer.DEVELOPMENT.value, 1
    head.time_created, head.serial_number = START_MS, 1
    builder.add(head)
    for second, kind in events:
        event = EventMessage()
        event.event, event.event_type, event.timestamp = Event.TIMER, kind, START_MS + second * 1000
        builder.add(event)
    for second in seconds:
        record = RecordMessage()
        record.timestamp, record.heart_rate = START_MS + second * 1000, 120
        builder.add(record)
    builder.build().to_file(str(path))
    return path


def test_timer_events_of_fit_are_pauses(tmp_path: Path) -> None:
    events = [
        (0, EventType.START),
        (20, EventType.STOP_ALL),
        (21, EventType.STOP_ALL),
        (26, EventType.START),
        (40, EventType.STOP),
    ]
    recording = read_recording(fit(tmp_path / "a.fit", [*range(21), *range(26, 41)], events))
    assert recording.pauses_ms == ((START_MS + 20_000, START_MS + 26_000),)
    assert Activity(recording).counted_s == 34
    found = analyse(recording, Athlete(zone_bounds_bpm=(100,)))
    assert found.values["time_in_hr_zone"] == [0, 34]
    assert found.values["timer_time_s"] == 34
    assert found.values["elapsed_time_s"] == 40


def test_a_second_track_of_a_lap_begins_after_a_pause_and_the_next_lap_does_not() -> None:
    first, second, third = ("".join(POINT.format(at) for at in part) for part in (range(5), range(9, 14), range(14, 20)))
    body = (
        f'<Lap StartTime="2026-01-01T10:00:00Z"><Track>{first}</Track><Track>{second}</Track></Lap>'
        f'<Lap StartTime="2026-01-01T10:00:14Z"><Track>{third}</Track></Lap>'
    )
    text = (
        f"<TrainingCenterDatabase><Activities><Activity Sport='Running'>{body}</Activity></Activities></TrainingCenterDatabase>"
    )
    recording = read_bytes(text.encode(), "a.tcx")
    ((begin, end),) = recording.pauses_ms
    assert end - begin == 5_000
    assert Activity(recording).counted_s == 19 - 5


def test_a_further_segment_of_a_track_begins_after_a_pause() -> None:
    def segment(seconds: range) -> str:
        points = (f'<trkpt lat="50" lon="7"><time>2026-01-01T10:00:{at:02d}Z</time></trkpt>' for at in seconds)
        return f"<trkseg>{''.join(points)}</trkseg>"

    text = f"<gpx><trk>{segment(range(10))}{segment(range(16, 30))}</trk></gpx>"
    recording = read_bytes(text.encode(), "a.gpx")
    assert Activity(recording).counted_s == pytest.approx(9 + 13)
