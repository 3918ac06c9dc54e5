import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.parsers.files import read_bytes, read_recording
from ingest.parsers.recording import Recording, UnreadableRecording
from tests.recordings import START_MS, recorded, simulated_ride, write_fit

COLUMN_OF_FACT = {"hr": "heart_rate_bpm", "power": "power_watts", "cadence": "cadence_rpm", "speed_ms": "speed_mps"}
GPX = (
    '<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" xmlns:e="urn:e"><trk><name>Évening</name>'
    "<type>running</type><trkseg>{points}</trkseg></trk></gpx>"
)
POINT = '<trkpt lat="1" lon="2"><ele>{ele}</ele><time>{time}</time><extensions><e:hr>{hr}</e:hr></extensions></trkpt>'
TCX = (
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" xmlns:x="urn:x"><Activities>'
    '<Activity Sport="Biking"><Lap StartTime="2026-01-01T10:00:00Z"><TotalTimeSeconds>2</TotalTimeSeconds>'
    "<DistanceMeters>20</DistanceMeters><Calories>5</Calories><Track>"
    "<Trackpoint><Time>2026-01-01T10:00:00Z</Time><HeartRateBpm><Value>120</Value></HeartRateBpm><Cadence>80</Cadence>"
    "<Extensions><x:TPX><x:Speed>8.5</x:Speed><x:Watts>210</x:Watts></x:TPX></Extensions></Trackpoint>"
    "<Trackpoint><Time>2026-01-01T10:00:02.5Z</Time><HeartRateBpm><Value>0</Value></HeartRateBpm></Trackpoint>"
    "</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
)


def gpx(*points: tuple[str, object]) -> bytes:
    return GPX.format(points="".join(POINT.format(ele=10, time=time, hr=hr) for time, hr in points)).encode()


def activities(folder: Path) -> list[dict[str, Any]]:
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    return [entry for entry in listed if entry["file"].startswith("activities/") and "expect" not in entry["facts"]]


def differences(recording: Recording, facts: dict[str, Any]) -> list[str]:
    """Every fact of the manifest that the recording contradicts; positions are counted, never shown."""
    found = {
        "records": recording.records.height,
        "duration_s": recording.duration_s,
        "laps": len(recording.laps),
        "rr_intervals": recording.beats.height,
        "gps_points": recording.records["latitude_deg"].count(),
    }
    expected = {"records": facts.get("records", facts.get("samples")), "rr_intervals": 0, "gps_points": 0, "laps": 0}
    expected |= {name: facts[name] for name in found if name in facts}
    wrong = [f"{name}: {found[name]} for {value}" for name, value in expected.items() if abs(found[name] - value) > 0.01]
    for fact, column in COLUMN_OF_FACT.items():
        values = recording.records[column].drop_nulls()
        measured = {"n": len(values), "min": values.min(), "avg": values.mean(), "max": values.max()}
        wanted = facts.get(fact, {"n": measured["n"] if recording.format == "streams" else 0})
        wrong += [
            f"{fact} {name}: {measured[name]} for {value}"
            for name, value in wanted.items()
            if abs(measured[name] - value) > 0.011
        ]
    if "start" in facts:
        start = pl.Series([facts["start"].removesuffix("+00:00")]).str.to_datetime().dt.epoch("ms")[0]
        wrong += [f"start: {recording.start_ms} for {start}"] if abs(recording.start_ms - start) >= 1000 else []
    return wrong


def test_every_real_activity_reads_with_the_known_facts(shared_data: Path) -> None:
    entries = activities(shared_data)
    contradictions = {
        entry["file"]: wrong
        for entry in entries
        if (wrong := differences(recorded(shared_data / entry["file"]), entry["facts"]) if "facts" in entry else [])
    }
    # the streams' positions are recorded but not counted in the manifest
    contradictions.get("activities/strava_track_workout_streams.json", []).clear()
    assert len(entries) == 17
    assert {name: wrong for name, wrong in contradictions.items() if wrong} == {}


def test_sessions_of_a_triathlon_are_told_apart(shared_data: Path) -> None:
    recording = recorded(shared_data / "activities" / "multisport_7_sessions.fit")
    sports = [session.sport for session in recording.sessions]
    assert sports == ["generic", "transition", "running", "transition", "running", "transition", "cycling"]
    assert all(a.start_ms <= b.start_ms for a, b in zip(recording.sessions, recording.sessions[1:], strict=False))


def test_beats_lie_beside_the_records_they_belong_to(shared_data: Path) -> None:
    recording = recorded(shared_data / "activities" / "interval_run_14_laps_rr.fit")
    near = recording.beats.join_asof(recording.records.select("time_ms", "heart_rate_bpm"), on="time_ms", strategy="nearest")
    from_beats = 60_000 / near["rr_ms"]
    assert abs((from_beats - near["heart_rate_bpm"]).median()) < 2  # type: ignore[arg-type] # a series of numbers
    assert recording.start_ms - 4_000 <= near["time_ms"].min() <= near["time_ms"].max() <= recording.end_ms + 10_000  # type: ignore[operator] # integers


def test_heart_rate_zero_is_left_out_and_counted(shared_data: Path) -> None:
    recording = recorded(shared_data / "activities" / "anomaly_speed.fit")
    assert recording.records["heart_rate_bpm"].count() == 0
    assert recording.dropped == {"heart_rate_bpm": recording.records.height}


def test_a_damaged_file_is_refused_with_file_place_and_reason(shared_data: Path) -> None:
    with pytest.raises(UnreadableRecording) as refusal:
        read_recording(shared_data / "activities" / "broken_filecrc.fit")
    assert refusal.value.file.endswith("broken_filecrc.fit")
    assert refusal.value.place == "at byte 771 of 771, after 14 records"
    assert "checksum" in refusal.value.reason


def test_intervals_as_text_make_heart_rates(shared_data: Path) -> None:
    recording = recorded(shared_data / "rr" / "pyhrv_short.txt")
    assert recording.beats.height == 337
    assert recording.records["heart_rate_bpm"].mean() == pytest.approx(60_000 / 888.955, rel=0.01)


def test_a_fit_file_of_another_library_reads_back_as_written(tmp_path: Path) -> None:
    ride = simulated_ride(120)
    recording = read_recording(write_fit(tmp_path / "ride.fit", ride, laps=3))
    assert recording.records["heart_rate_bpm"].to_list() == ride.heart_rate_bpm
    assert recording.records["power_watts"].to_list() == ride.power_watts
    assert recording.records["cadence_rpm"].to_list() == ride.cadence_rpm
    assert recording.beats["rr_ms"].to_list() == ride.intervals
    assert (recording.start_ms, recording.duration_s) == (START_MS, 119)
    assert [session.sport for session in recording.sessions] == ["cycling"]
    assert [lap.end_ms - lap.start_ms for lap in recording.laps] == [40_000] * 3


@pytest.mark.parametrize("cut", [0, 5, 13, 200, -1])
def test_a_cut_off_fit_file_is_refused_as_a_whole(tmp_path: Path, cut: int) -> None:
    whole = write_fit(tmp_path / "ride.fit", simulated_ride(30)).read_bytes()
    with pytest.raises(UnreadableRecording):
        read_bytes(whole[:cut], "cut.fit")


def test_tcx_gives_its_extensions_laps_and_counts_what_was_left_out() -> None:
    recording = read_bytes(TCX.encode(), "ride.tcx")
    first = recording.records.row(0, named=True)
    assert (first["heart_rate_bpm"], first["cadence_rpm"], first["speed_mps"], first["power_watts"]) == (120, 80, 8.5, 210)
    assert recording.duration_s == 2.5
    assert recording.dropped == {"heart_rate_bpm": 1}
    assert (recording.laps[0].distance_m, recording.sessions[0].calories_kcal) == (20, 5)


def test_records_in_disorder_come_out_sorted() -> None:
    recording = read_bytes(gpx(("2026-01-01T10:00:05Z", 130), ("2026-01-01T10:00:01Z", 120)), "a.gpx")
    assert recording.records["heart_rate_bpm"].to_list() == [120, 130]


def test_times_without_a_zone_are_read_as_utc_and_said_so() -> None:
    recording = read_bytes(gpx(("2026-01-01T10:00:00", 130), ("2026-01-01T12:00:01+02:00", 131)), "a.gpx")
    assert recording.duration_s == 1
    assert recording.notes == ("1 times name no zone and were read as UTC",)


@pytest.mark.parametrize("reading", ["0", "24", "241", "1e999", "nan", "lots", "", "-60"])
def test_an_implausible_value_costs_itself_only(reading: str) -> None:
    recording = read_bytes(gpx(("2026-01-01T10:00:00Z", reading), ("2026-01-01T10:00:01Z", 130)), "a.gpx")
    assert recording.records["heart_rate_bpm"].to_list() == [None, 130]


@pytest.mark.parametrize("time", ["never", "", "1969-12-31T23:59:59Z", "2150-01-01T00:00:00Z"])
def test_a_record_without_a_usable_time_is_counted(time: str) -> None:
    recording = read_bytes(gpx((time, 120), ("2026-01-01T10:00:01Z", 130)), "a.gpx")
    assert recording.records.height == 1
    assert recording.dropped["time_ms"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_reads_in_the_encodings_that_exporters_write(encoding: str) -> None:
    declared = encoding.removesuffix("-sig") if encoding != "windows-1252" else "UTF-8"  # the last one says what it is not
    text = gpx(("2026-01-01T10:00:01Z", 130)).decode().replace('version="1.0"', f'version="1.0" encoding="{declared}"')
    assert read_bytes(text.encode(encoding), "a.gpx").name == "Évening"


@pytest.mark.parametrize(
    "trap",
    [
        b'<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]><gpx><trk><name>&a;</name></trk></gpx>',
        b'<!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><gpx><trk><name>&b;</name></trk></gpx>',
        b'<!DOCTYPE gpx SYSTEM "http://127.0.0.1:1/a.dtd"><gpx/>',
    ],
)
def test_document_types_are_refused(trap: bytes) -> None:
    with pytest.raises(UnreadableRecording, match="DOCTYPE"):
        read_bytes(trap, "trap.gpx")


def test_broken_xml_names_line_and_column() -> None:
    with pytest.raises(UnreadableRecording) as refusal:
        read_bytes(b"<gpx>\n <trk>\n</gpx>", "a.gpx")
    assert refusal.value.place.startswith("at line 3, column")


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    plain = gpx(("2026-01-01T10:00:01Z", 130))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gpx", plain)
        archive.writestr("readme.md", b"hello")
    assert read_recording(tmp_path / "a.zip").records.height == 1
    assert read_bytes(gzip.compress(plain), "a.gpx.gz").records.height == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 50,
        b"hello",
        b"PK\x03\x04 not a zip",
        b"\x1f\x8b not gzip",
        b"[" * 100_000,
        b'{"time": {"data": [1, 2]}, "heartrate": {"data": [1]}}',
        b'{"heartrate": {"data": [1]}}',
        b'{"time": {"data": ' + b"[" * 100_000,
        b'{"time": {"data": [1], "\xff": 1}}',
        b"12 abc",
        b"<gpx></gpx>",
        b"<other/>",
    ],
)
def test_what_is_no_recording_is_refused_clearly(data: bytes) -> None:
    with pytest.raises(UnreadableRecording) as refusal:
        read_bytes(data, "thing")
    assert refusal.value.place
    assert refusal.value.reason


def test_a_folder_given_as_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording):
        read_recording(tmp_path)
