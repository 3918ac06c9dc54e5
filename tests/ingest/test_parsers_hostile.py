"""Damaged and invented files: the answer is a recording or UnreadableRecording, never anything else."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.parsers.files import read_bytes, read_recording
from ingest.parsers.recording import COLUMNS, UnreadableRecording, bounds
from tests.ingest.test_parsers import TCX, gpx
from tests.recordings import simulated_ride, write_fit

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
STREAMS = b'{"time":{"data":[0,1,2]},"heartrate":{"data":[100,101,102]},"latlng":{"data":[[1,2],[1,2],[1,2]]}}'


def test_a_device_without_end_is_read_to_the_limit_only() -> None:
    with pytest.raises(UnreadableRecording, match="it is larger than"):
        read_recording(Path("/dev/zero"))


@cache
def whole_fit() -> bytes:
    with TemporaryDirectory() as folder:
        return write_fit(Path(folder) / "a.fit", simulated_ride(12)).read_bytes()


def originals() -> dict[str, bytes]:
    return {
        "a.fit": whole_fit(),
        "a.gpx": gpx(("2026-01-01T10:00:00Z", 120), ("2026-01-01T10:00:01Z", 121)),
        "a.tcx": TCX.encode(),
        "a.json": STREAMS,
        "a.txt": b"800\n810\n790\n",
    }


@st.composite
def damage(draw: st.DrawFn, name: str) -> bytes:
    data = bytearray(originals()[name])
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data) - 1)) if data else 0
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat", "remove"])):
            case "flip" if data:
                data[place] = draw(st.integers(0, 255))
            case "cut":
                data = data[:place]
            case "insert":
                data[place:place] = draw(st.binary(max_size=12))
            case "repeat":
                data[place:place] = data[place : place + draw(st.integers(1, 40))]
            case "remove":
                del data[place : place + draw(st.integers(1, 20))]
    return bytes(data)


def with_right_checksum(data: bytes) -> bytes:
    """So that the damage reaches the parts behind the checksum."""
    from fitdecode.utils import compute_crc

    if len(data) < 16:
        return data
    body = data[:-2]
    return body + int(compute_crc(body)).to_bytes(2, "little")


def holds(data: bytes, file: str) -> None:
    try:
        recording = read_bytes(data, file)
    except UnreadableRecording as fault:
        refusal = fault
    else:
        refusal = None
    if refusal is not None:
        assert refusal.place
        assert refusal.reason
        return
    assert recording.records.height > 0
    assert recording.records["time_ms"].is_sorted()
    for name, (quantity, _dtype) in COLUMNS.items():
        low, high = bounds(quantity)
        assert recording.records[name].drop_nulls().is_between(low, high).all()


@pytest.mark.parametrize("name", ["a.fit", "a.gpx", "a.tcx", "a.json", "a.txt"])
def test_damaged_files_give_a_recording_or_a_refusal(name: str) -> None:
    @QUICK
    @given(damage(name))
    def check(data: bytes) -> None:
        holds(data, name)

    check()


@QUICK
@given(damage("a.fit"))
def test_damage_behind_a_right_checksum_is_survived(data: bytes) -> None:
    holds(with_right_checksum(data), "a.fit")


@QUICK
@given(st.binary(max_size=400), st.sampled_from(["x.fit", "x.gpx", "x.tcx", "x.json", "x.txt", "x.zip", "x.gz", "x"]))
def test_any_bytes_under_any_name_are_survived(data: bytes, name: str) -> None:
    holds(data, name)
