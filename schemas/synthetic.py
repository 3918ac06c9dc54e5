"""The synthetic member: nobody, whose values are sent every few seconds to see whether the way to the screen is open.

Its sessions, one for each partition of the session topics, so that every flow process is asked, stand in no directory. The
gateway takes its values, flow `live` sends them on as a picture of one row, flow `store` lets them go: no table, no page, no
summary and no export knows it.
"""

from collections.abc import Iterator

from schemas.directory import DeviceRecord
from schemas.events import HeartRate, Reading
from schemas.live import ClassMetrics, LiveUpdate
from schemas.topics import SESSION_PARTITIONS, partition_of, session_key

SYNTHETIC_MEMBER_ID = 2**53 - 1
"""The largest there is; users count from 1."""
SYNTHETIC_DEVICE_ID = "synthetic"
HEART_RATE_BPM = 60
NOBODY = ClassMetrics(
    expected=0,
    active_members=0,
    attended=0,
    attendance_rate=0,
    avg_heart_rate_bpm=None,
    avg_intensity=None,
    avg_intensity_60s=None,
    intensity_distribution={"low": 0, "medium": 0, "high": 0},
    zone_counts=(0, 0, 0, 0, 0, 0),
)


def _one_for_each_partition() -> Iterator[str]:
    for partition in range(SESSION_PARTITIONS):
        numbers = (f"5ca1ab1e-0000-4000-8000-{number:012x}" for number in range(10_000))
        yield next(session_id for session_id in numbers if partition_of(session_key(session_id)) == partition)


SYNTHETIC_SESSIONS: tuple[str, ...] = tuple(_one_for_each_partition())
"""By partition."""
SYNTHETIC_SESSION_SET = frozenset(SYNTHETIC_SESSIONS)


def synthetic_device(token_sha256: str) -> DeviceRecord:
    """The right to send for the synthetic member, and for nobody else."""
    return DeviceRecord(
        token_id=SYNTHETIC_DEVICE_ID,
        token_sha256=token_sha256,
        device_id=SYNTHETIC_DEVICE_ID,
        scope="member",
        member_id=SYNTHETIC_MEMBER_ID,
    )


def synthetic_round(sender: str, number: int, at_ms: int) -> list[HeartRate]:
    """One value for each partition. `sender` (hexadecimal, at most 32 characters) and the round's number make its id."""
    return [
        HeartRate(
            event_id=f"synthetic-{sender}-{number}-{partition}",
            member_id=SYNTHETIC_MEMBER_ID,
            session_id=session_id,
            source="synthetic",
            device_id=SYNTHETIC_DEVICE_ID,
            event_time_ms=at_ms,
            heart_rate_bpm=HEART_RATE_BPM,
        )
        for partition, session_id in enumerate(SYNTHETIC_SESSIONS)
    ]


def picture_of(reading: Reading) -> LiveUpdate:
    """What flow `live` makes of a synthetic value: a keyframe with one row, whose name is the value's id."""
    return LiveUpdate(
        session_id=reading.session_id,
        class_id=None,
        sequence=0,
        kind="key",
        event_time_ms=reading.event_time_ms,
        received_time_ms=reading.received_time_ms,
        session_state="active",
        rows=(0,),
        members=(SYNTHETIC_MEMBER_ID,),
        names=(reading.event_id,),
        columns={"state": ["live"], "heart_rate_bpm": [reading.heart_rate_bpm]},
        class_metrics=NOBODY,
    )


def round_of(event_id: str, sender: str) -> tuple[int, int] | None:
    """Number of the round and partition, when this sender has sent it."""
    kind, _, rest = event_id.partition("-")
    whose, _, place = rest.partition("-")
    number, _, partition = place.partition("-")
    if kind != "synthetic" or whose != sender or not (number.isdecimal() and partition.isdecimal()):
        return None
    return int(number), int(partition)
