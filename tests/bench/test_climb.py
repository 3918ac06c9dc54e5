"""The climbs that the load sends raise an alert by the rules, however its events fall into whole seconds."""

import msgspec
import pytest

from schemas.directory import Participant, SessionRecord
from schemas.events import HeartRate, Reading, reading_decoder
from tests.bench.hubs import CLIMB_BPM, CLIMB_S
from tests.bench.untold import Untold, first_alert_ms

STARTED_MS = 1_763_740_800_000
SESSION = SessionRecord(
    session_id="0b0e7c1e-7a55-4c62-9d0c-1f1f5f0f9f11",
    class_id=1,
    class_name="Spin",
    class_type="spin",
    started_at_ms=STARTED_MS,
    participants=(Participant(member_id=7, name="Member 7", heart_rate_zone_floors_bpm=(95, 114, 133, 152, 171)),),
)
REST_S = 5
EARLY_MS, LATE_MS = 998, 1_003


@pytest.mark.parametrize("resting_bpm", [124, 136])
@pytest.mark.parametrize("on_time_from", [*range(REST_S - 1, REST_S + len(CLIMB_BPM) + 1)])
def test_a_climb_raises_its_alert_also_when_two_of_its_events_share_a_second(resting_bpm: int, on_time_from: int) -> None:
    climb = [CLIMB_BPM[min(second, len(CLIMB_BPM) - 1)] + second % 2 for second in range(CLIMB_S)]
    beats = [resting_bpm] * REST_S + climb + [165]
    readings = [_reading(number, bpm, LATE_MS if number < on_time_from else EARLY_MS) for number, bpm in enumerate(beats)]
    assert first_alert_ms(SESSION, readings) is not None


def test_a_jump_is_taken_for_a_broken_strap_and_the_account_says_so() -> None:
    beats = [130] * REST_S + [185] * 14 + [165]
    assert first_alert_ms(SESSION, [_reading(number, bpm, 0) for number, bpm in enumerate(beats)]) is None
    told = str(Untold(7, SESSION.session_id, STARTED_MS, None, on_topic=False, in_warehouse=False))
    assert (
        told == "member 7 of 0b0e7c1e, climbing from 16:00:00.000: not due by the rules, not on the topic, not in the warehouse"
    )


def _reading(number: int, bpm: int, after_ms: int) -> Reading:
    at_ms = STARTED_MS + number * 1_000 + after_ms
    event = HeartRate(
        event_id=f"event-{number:05d}",
        member_id=7,
        session_id=SESSION.session_id,
        device_id="strap-7",
        event_time_ms=at_ms,
        received_time_ms=at_ms + 3,
        heart_rate_bpm=bpm,
    )
    return reading_decoder.decode(msgspec.json.encode(event))
