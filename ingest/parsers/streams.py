"""Activity streams as JSON, the way Strava's API and its exporters hand them out."""

from typing import Any

import msgspec

from ingest.parsers.recording import Recording, Row, UnreadableRecording, build_recording, number
from schemas.unreadable import UNREADABLE

VALUES = {
    "heartrate": "heart_rate_bpm",
    "watts": "power_watts",
    "cadence": "cadence_rpm",
    "velocity_smooth": "speed_mps",
    "distance": "distance_m",
    "altitude": "altitude_m",
}


def read_streams(data: bytes, file: str) -> Recording:
    """The activity in a set of streams. They count seconds from the start and know no date."""
    try:
        streams = _series(msgspec.json.decode(data))
    except UNREADABLE as fault:
        raise UnreadableRecording(file, "reading JSON", f"it is not valid JSON: {fault}") from None
    times = streams.get("time")
    if not times:
        raise UnreadableRecording(file, "stream `time`", "it has no stream of times, so its values belong to no moment")
    lengths = {name: len(values) for name, values in streams.items()}
    if len(set(lengths.values())) != 1:
        raise UnreadableRecording(file, f"lengths {lengths}", "its streams differ in length")
    rows = [_row(streams, index, seconds) for index, seconds in enumerate(map(number, times))]
    return build_recording(file, "streams", rows, has_clock=False)


def _series(content: Any) -> dict[str, list[Any]]:
    """Both spellings: an object of streams by type, and a list of streams that name their type."""
    if isinstance(content, list):
        content = {str(stream.get("type")): stream for stream in content if isinstance(stream, dict)}
    if not isinstance(content, dict):
        return {}
    found = {name: stream.get("data") if isinstance(stream, dict) else stream for name, stream in content.items()}
    return {name: values for name, values in found.items() if isinstance(values, list)}


def _row(streams: dict[str, list[Any]], index: int, seconds: float | None) -> Row:
    row: Row = {"time_ms": None if seconds is None else seconds * 1000}
    for name, column in VALUES.items():
        if name in streams:
            row[column] = number(streams[name][index])
    place = streams["latlng"][index] if "latlng" in streams else None
    if isinstance(place, list) and len(place) == 2:
        row["latitude_deg"], row["longitude_deg"] = number(place[0]), number(place[1])
    return row
