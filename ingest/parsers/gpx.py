"""GPX files: tracks, with the heart-rate, cadence and power extensions of the common makers."""

from lxml import etree

from ingest.parsers.recording import RecordedSession, Recording, Row, build_recording, epoch_ms, number, pauses_at
from ingest.parsers.xml_reading import finished_elements, forget, local_name

VALUES = {
    "ele": "altitude_m",
    "hr": "heart_rate_bpm",
    "heartrate": "heart_rate_bpm",
    "cad": "cadence_rpm",
    "cadence": "cadence_rpm",
    "power": "power_watts",
    "PowerInWatts": "power_watts",
    "watts": "power_watts",
    "speed": "speed_mps",
    "distance": "distance_m",
}
WANTED = frozenset({"trkpt", "trkseg", "trk"})


def read_gpx(data: bytes, file: str) -> Recording:
    """All tracks of a GPX file in one timeline, each a session. A second segment of a track begins after a pause."""
    rows: list[Row] = []
    cuts: list[int] = []
    sessions: list[RecordedSession] = []
    track_start = 0
    name = ""
    unzoned = 0
    for kind, element in finished_elements(data, file, WANTED):
        if kind == "trkpt":
            row, zoned = _row(element)
            rows.append(row)
            unzoned += not zoned
            forget(element)
            continue
        if kind == "trkseg":
            cuts.append(len(rows))
            continue
        times = [int(time) for row in rows[track_start:] if (time := row.get("time_ms")) is not None]
        if times:
            sport = (element.findtext("{*}type") or "unknown").strip()
            sessions.append(RecordedSession(sport=sport, start_ms=min(times), end_ms=max(times)))
        name = name or (element.findtext("{*}name") or "").strip()
        track_start = len(rows)
    notes = (f"{unzoned} times name no zone and were read as UTC",) if unzoned else ()
    return build_recording(file, "gpx", rows, sessions=sessions, pauses_ms=pauses_at(rows, cuts), name=name, notes=notes)


def _row(point: etree._Element) -> tuple[Row, bool]:
    row: Row = {"latitude_deg": number(point.get("lat")), "longitude_deg": number(point.get("lon"))}
    zoned = True
    for child in point.iter():
        tag = local_name(child)
        if tag == "time":
            row["time_ms"], zoned = epoch_ms(child.text)
        elif tag in VALUES:
            row[VALUES[tag]] = number(child.text)
    return row, zoned
