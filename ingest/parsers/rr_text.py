"""Beat-to-beat intervals as plain text: one number a beat, in milliseconds or in seconds."""

import re
from itertools import accumulate
from statistics import median

from ingest.parsers.recording import Recording, Row, UnreadableRecording, build_recording, number

SECONDS_BELOW = 10
"""A median below this cannot be milliseconds of a living heart: the numbers are seconds."""
WINDOW_MS = 5_000


def read_rr_text(data: bytes, file: str) -> Recording:
    """Intervals laid end to end from 0, with the heart rate of each whole second from the beats of the last five."""
    intervals: list[float] = []
    for line, text in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        for word in re.split(r"[\s,;]+", text.partition("#")[0].strip()):
            interval = number(word)
            if interval is None and word:
                raise UnreadableRecording(file, f"at line {line}", f"`{word[:20]}` is not an interval between heartbeats")
            if interval is not None and 0 < interval <= 65_535:
                intervals.append(interval)
    if len(intervals) < 2:
        raise UnreadableRecording(file, f"{len(intervals)} intervals read", "it holds no series of heartbeats")
    scale = 1000 if median(intervals) < SECONDS_BELOW else 1
    beats = list(zip(accumulate(interval * scale for interval in intervals), intervals, strict=True))
    ends = [(round(end_ms), interval * scale) for end_ms, interval in beats]
    return build_recording(file, "rr", _heart_rates(ends), beats=ends, has_clock=False)


def _heart_rates(beats: list[tuple[int, float]]) -> list[Row]:
    rows: list[Row] = []
    first = last = 0
    for second_ms in range(beats[0][0], beats[-1][0] + 1, 1000):
        while last < len(beats) and beats[last][0] <= second_ms:
            last += 1
        while beats[first][0] <= second_ms - WINDOW_MS and first < last - 1:
            first += 1
        held = beats[first:last]
        rows.append({"time_ms": second_ms, "heart_rate_bpm": 60_000 * len(held) / sum(interval for _end, interval in held)})
    return rows
