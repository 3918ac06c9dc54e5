from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.errors import PacelineError
from ingest.choosing import choose_participant, choose_session
from ingest.device_client import Totals
from ingest.gateway.running import RunningSession, SeenParticipant
from ingest.parsers.files import read_bytes, read_recording
from ingest.parsers.recording import Recording
from ingest.recorded_events import Sender, recorded_events
from ingest.replay import Timing, fitting_timing, lay_clock, play
from schemas.directory import Participant
from schemas.events import Cadence, DeviceEvent, HeartRate, Position, Power
from schemas.ranges import LATEST_AHEAD_MS
from tests.conftest import FakeClock
from tests.ingest.test_parsers import gpx
from tests.recordings import FLOORS, START_MS, Ride, simulated_ride, write_fit

NOW_MS = START_MS + 50_000_000_000
SENDER = Sender(member_id=7)


@pytest.fixture(scope="module")
def ride() -> Ride:
    return simulated_ride(60)


@pytest.fixture(scope="module")
def recording(ride: Ride, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return read_recording(write_fit(tmp_path_factory.mktemp("ride") / "ride.fit", ride))


def events_of(recording: Recording, timing: Timing, speed: float, sender: Sender = SENDER) -> list[tuple[float, DeviceEvent]]:
    clockwork = lay_clock(recording, timing, speed, NOW_MS)
    return [(due_s, event) for due_s, events in recorded_events(recording, sender, clockwork) for event in events]


def test_a_recording_becomes_the_events_that_its_devices_measured(recording: Recording, ride: Ride) -> None:
    events = [event for _due, event in events_of(recording, Timing.ORIGINAL, 1)]
    assert [e.heart_rate_bpm for e in events if isinstance(e, HeartRate)] == ride.heart_rate_bpm
    assert [e.power_watts for e in events if isinstance(e, Power)] == ride.power_watts
    assert [e.cadence_rpm for e in events if isinstance(e, Cadence)] == ride.cadence_rpm
    beats = [interval for e in events if isinstance(e, HeartRate) for interval in e.rr_ms]
    assert beats == ride.intervals[: len(beats)]
    assert len(beats) > len(ride.intervals) - 6
    assert len({event.event_id for event in events}) == len(events)
    assert {event.event_time_ms for event in events} == {START_MS + second * 1000 for second in range(60)}


def test_at_speed_one_a_shifted_recording_begins_now(recording: Recording) -> None:
    events = events_of(recording, Timing.SHIFT, 1)
    assert (events[0][0], events[0][1].event_time_ms) == (0, NOW_MS)
    assert (events[-1][0], events[-1][1].event_time_ms) == (59, NOW_MS + 59_000)


@pytest.mark.parametrize("speed", [0.5, 1, 3, 20, 1_000])
def test_a_shifted_recording_keeps_its_seconds_and_is_never_in_the_future(recording: Recording, speed: float) -> None:
    events = events_of(recording, Timing.SHIFT, speed)
    assert events[-1][1].event_time_ms - events[0][1].event_time_ms == 59_000
    ahead = [event.event_time_ms - (NOW_MS + due_s * 1000) for due_s, event in events]
    assert max(ahead) <= 1 < LATEST_AHEAD_MS
    if speed > 1:
        assert ahead[-1] == pytest.approx(0, abs=1), "it catches up with now exactly at its end"


def test_a_squeezed_recording_takes_as_long_as_its_sending(recording: Recording) -> None:
    events = events_of(recording, Timing.SQUEEZE, 20)
    assert all(abs(event.event_time_ms - (NOW_MS + due_s * 1000)) <= 1 for due_s, event in events)
    assert events[-1][1].event_time_ms == NOW_MS + 2_950


@pytest.mark.parametrize(
    ("speed", "class_age_s", "timing"),
    [
        (1, 0, Timing.SHIFT),  # it begins now
        (0.5, 0, Timing.SHIFT),
        (20, 55, Timing.SQUEEZE),  # it would begin 56 s ago
        (20, 57, Timing.SHIFT),
        (0, 30, Timing.SHIFT),  # nothing to squeeze by
    ],
)
def test_a_recording_that_does_not_fit_into_the_running_class_is_squeezed(
    recording: Recording, speed: float, class_age_s: int, timing: Timing
) -> None:
    assert fitting_timing(recording, speed, NOW_MS, NOW_MS - class_age_s * 1000) is timing
    if timing is Timing.SQUEEZE or speed:
        first_ms = events_of(recording, timing, speed)[0][1].event_time_ms
        assert first_ms >= NOW_MS - class_age_s * 1000, "all of it counts"


def test_the_same_replay_has_the_same_ids_and_another_one_others(recording: Recording) -> None:
    once = [event.event_id for _due, event in events_of(recording, Timing.ORIGINAL, 1)]
    assert once == [event.event_id for _due, event in events_of(recording, Timing.ORIGINAL, 50)]
    assert not set(once) & {event.event_id for _due, event in events_of(recording, Timing.SHIFT, 1)}


def test_where_the_athlete_was_is_sent_only_on_request() -> None:
    outside = read_bytes(gpx(("2026-01-01T10:00:00Z", 120)), "a.gpx")
    assert not [e for _due, e in events_of(outside, Timing.ORIGINAL, 1) if isinstance(e, Position)]
    asked = events_of(outside, Timing.ORIGINAL, 1, Sender(7, positions=True))
    assert len([e for _due, e in asked if isinstance(e, Position)]) == 1


class Recorder:
    """An uplink that keeps what it is given, with the time."""

    def __init__(self, clock: FakeClock) -> None:
        self.totals = Totals()
        self.sent: list[tuple[int, list[DeviceEvent]]] = []
        self._clock = clock

    async def send(self, events: Sequence[DeviceEvent]) -> None:
        self.sent.append((self._clock.now_ms, list(events)))
        self._clock.forward(0.5)

    async def close(self) -> None:
        return


async def test_playing_sends_every_record_once_and_reports_progress(recording: Recording, clock: FakeClock) -> None:
    uplink = Recorder(clock)
    progress: list[int] = []
    await play(recording, SENDER, uplink, clock, timing=Timing.SHIFT, speed=120, on_progress=progress.append)
    sent = [event for _at, events in uplink.sent for event in events]
    assert len(sent) == 180
    assert progress[-1] == 60
    assert progress == sorted(progress)
    assert [event.event_time_ms for event in sent] == sorted(event.event_time_ms for event in sent)


def running(*names: str, seen_ms: Sequence[int | None] = ()) -> RunningSession:
    people = [Participant(member_id=i + 1, name=name, heart_rate_zone_floors_bpm=FLOORS) for i, name in enumerate(names)]
    seen = [*seen_ms, *[None] * (len(people) - len(seen_ms))]
    return RunningSession(
        session_id="0b0e8a3c-0000-4000-8000-000000000001",
        class_id=41,
        class_name="Morning Spin",
        class_type="spinning",
        state="active",
        started_at_ms=NOW_MS,
        planned_duration_s=3600,
        segments=(),
        participants=[SeenParticipant(person, at_ms) for person, at_ms in zip(people, seen, strict=True)],
    )


@pytest.mark.parametrize("wanted", ["spin", "41", "MORNING SPIN", "spinning", "0b0e8a3c-0000-4000-8000-000000000001"])
def test_a_class_is_found_by_id_type_or_name(wanted: str) -> None:
    assert choose_session([running("Ada")], wanted).class_id == 41


def test_an_unclear_class_lists_what_runs() -> None:
    with pytest.raises(PacelineError) as fault:
        choose_session([running("Ada"), running("Bo")], "spin")
    assert "2 running classes" in fault.value.problem
    assert "Morning Spin" in fault.value.remedy
    with pytest.raises(PacelineError, match="No running class"):
        choose_session([], "spin")


def test_the_first_participant_without_live_data_is_taken() -> None:
    session = running("Ada", "Bo", "Cy", seen_ms=[NOW_MS - 1_000, NOW_MS - 60_000])
    assert choose_participant(session, "", NOW_MS).participant.name == "Bo"
    assert choose_participant(session, "", NOW_MS, taken={2}).participant.name == "Cy"
    assert choose_participant(session, "ada", NOW_MS).participant.member_id == 1
    assert choose_participant(session, "3", NOW_MS).participant.name == "Cy"
    with pytest.raises(PacelineError, match="Every member") as fault:
        choose_participant(running("Ada", seen_ms=[NOW_MS]), "", NOW_MS)
    assert "1 Ada (live)" in fault.value.remedy


def test_every_real_recording_can_be_replayed(shared_data: Path) -> None:
    from ingest.parsers.recording import UnreadableRecording

    sent = 0
    for path in sorted((shared_data / "activities").glob("*r*.fit"))[:3]:
        try:
            recording = read_recording(path)
        except UnreadableRecording:
            continue
        for due_s, event in events_of(recording, Timing.SHIFT, 20):
            assert event.event_time_ms <= NOW_MS + due_s * 1000 + 1
            sent += 1
    assert sent > 5_000
