"""Plausible ranges of measured quantities; a value outside is rejected, never clipped.

Heart rate: 25 to 240 bpm (spec: science, "Heart-rate plausibility"). The rest are the widest values that sport produces.
"""

from typing import Annotated

from msgspec import Meta

EventId = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9:._-]+$")]
SessionId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
MemberId = Annotated[int, Meta(ge=1, le=2**53 - 1)]
ClassId = Annotated[int, Meta(ge=1, le=2**53 - 1)]
DeviceId = Annotated[str, Meta(min_length=1, max_length=64)]
SourceId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
EpochMs = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since 1970-01-01 UTC, to the year 2100."""

HeartRateBpm = Annotated[int, Meta(ge=25, le=240)]
ClockOffsetMs = Annotated[int, Meta(ge=-900_000, le=900_000)]
RrMs = Annotated[int, Meta(ge=1, le=65_535)]
"""One beat-to-beat interval as the strap sent it; artefacts are judged later, by the variability step."""
PowerWatts = Annotated[int, Meta(ge=0, le=3_000)]
CadenceRpm = Annotated[float, Meta(ge=0, le=255)]
SpeedMps = Annotated[float, Meta(ge=0, le=45)]
DistanceM = Annotated[float, Meta(ge=0, le=1_000_000)]
LatitudeDeg = Annotated[float, Meta(ge=-90, le=90)]
LongitudeDeg = Annotated[float, Meta(ge=-180, le=180)]
AltitudeM = Annotated[float, Meta(ge=-500, le=9_000)]
StepCount = Annotated[int, Meta(ge=0, le=200_000)]
EnergyKcal = Annotated[float, Meta(ge=0, le=30_000)]
ShortText = Annotated[str, Meta(max_length=200)]
LongText = Annotated[str, Meta(max_length=4_000)]

LATEST_AHEAD_MS = 120_000
"""An event whose own time lies further ahead of the receiver's clock than this is rejected."""
CLOCK_OFF_MAX_MS = 15 * 60_000
"""A device's clock may be wrong by so much and is set right at the gateway; whole time zones are a fault to be refused."""
OLDEST_MS = 7 * 24 * 3_600_000
"""An event older than this when it is received is rejected: the raw topics keep seven days."""
EVENT_BYTES_MAX = 65_536
BATCH_EVENTS_MAX = 1_000
UNPACKED_BYTES_MAX = 16 * 1_048_576
"""The most that one compressed request may unpack to."""
