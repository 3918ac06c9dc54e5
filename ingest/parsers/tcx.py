"""TCX files: Garmin's training-centre XML."""

from lxml import etree

from ingest.parsers.recording import Lap, RecordedSession, Recording, Row, build_recording, epoch_ms, number, pauses_at
from ingest.parsers.xml_reading import finished_elements, forget, local_name

VALUES = {
    "Cadence": "cadence_rpm",
    "RunCadence": "cadence_rpm",
    "Watts": "power_watts",
    "Speed": "speed_mps",
    "DistanceMeters": "distance_m",
    "AltitudeMeters": "altitude_m",
    "LatitudeDegrees": "latitude_deg",
    "LongitudeDegrees": "longitude_deg",
    "Steps": "step_count",
}
WANTED = frozenset({"Trackpoint", "Track", "Lap", "Activity"})


def read_tcx(data: bytes, file: str) -> Recording:
    """All activities of a TCX file in one timeline, each a session. A second track within a lap begins after a pause."""
    rows: list[Row] = []
    cuts: list[int] = []
    laps: list[Lap] = []
    sessions: list[RecordedSession] = []
    unzoned = 0
    device = ""
    for name, element in finished_elements(data, file, WANTED):
        if name == "Trackpoint":
            row, zoned = _row(element)
            rows.append(row)
            unzoned += not zoned
            forget(element)
        elif name == "Track":
            cuts.append(len(rows))
        elif name == "Lap":
            cuts = cuts[:-1]  # the next lap follows at once
            laps.extend(_lap(element, rows))
        else:
            sessions.extend(_session(element, laps))
            device = device or (element.findtext("{*}Creator/{*}Name") or "").strip()
    notes = (f"{unzoned} times name no zone and were read as UTC",) if unzoned else ()
    pauses = pauses_at(rows, cuts)
    return build_recording(file, "tcx", rows, sessions=sessions, laps=tuple(laps), pauses_ms=pauses, notes=notes, device=device)


def _row(point: etree._Element) -> tuple[Row, bool]:
    row: Row = {}
    zoned = True
    for child in point.iter():
        name = local_name(child)
        if name == "Time":
            row["time_ms"], zoned = epoch_ms(child.text)
        elif name in VALUES:
            row[VALUES[name]] = number(child.text)
        elif name == "HeartRateBpm":
            row["heart_rate_bpm"] = number(child.findtext("{*}Value"))
    return row, zoned


def _lap(element: etree._Element, rows: list[Row]) -> list[Lap]:
    start, _zoned = epoch_ms(element.get("StartTime"))
    last_ms = rows[-1].get("time_ms") if rows else None
    seconds = number(element.findtext("{*}TotalTimeSeconds"))
    if start is None:
        return []
    end = int(last_ms) if last_ms is not None and last_ms >= start else start + round(min(max(seconds or 0, 0), 1e7) * 1000)
    distance, calories = number(element.findtext("{*}DistanceMeters")), number(element.findtext("{*}Calories"))
    return [Lap(start_ms=start, end_ms=end, distance_m=distance, calories_kcal=calories)]


def _session(element: etree._Element, laps: list[Lap]) -> list[RecordedSession]:
    own = laps[-sum(1 for child in element if local_name(child) == "Lap") :] if len(element) else []
    if not own:
        return []
    distances = [lap.distance_m for lap in own if lap.distance_m is not None]
    calories = [lap.calories_kcal for lap in own if lap.calories_kcal is not None]
    return [
        RecordedSession(
            sport=element.get("Sport") or "unknown",
            start_ms=own[0].start_ms,
            end_ms=own[-1].end_ms,
            distance_m=sum(distances) if distances else None,
            calories_kcal=sum(calories) if calories else None,
        )
    ]
