"""One socket: urgency, slowness, silence, expiry."""

from dataclasses import replace

from api.push import protocol
from api.push.channel_names import ChannelName
from api.push.channels import MetricsChannel, StreamChannel
from api.push.connection import Connection
from api.push.limits import MAX_REPLIES_WAITING
from api.push.protocol import CloseCode
from api.push.subscriptions import MetricsReader, StreamReader
from tests.conftest import FakeClock
from tests.push.samples import LATER_MS, SESSION, TRAINER, OpenWire, delta, keyframe

BEAT = protocol.heartbeat(1)


class Room:
    """A socket that reads alerts, events and metrics of one session."""

    def __init__(self, clock: FakeClock, room: int = 10**9, interval_ms: int = 0) -> None:
        self.clock = clock
        self.wire = OpenWire(room)
        self.wakes: list[float] = []
        self.connection = Connection("c", self.wire, TRAINER, clock, lambda seconds, _call: self.wakes.append(seconds))
        self.alerts = StreamChannel(ChannelName("alerts", SESSION), "e", -1)
        self.events = StreamChannel(ChannelName("events", SESSION), "e", -1)
        self.metrics = MetricsChannel(ChannelName("metrics", SESSION))
        self.metrics.cache.take(keyframe(1, {"zone": [1, 1]}))
        self.metrics_reader = MetricsReader(self.metrics, None, interval_ms)
        for reader in (
            self.metrics_reader,
            StreamReader(self.alerts, None, None, None),
            StreamReader(self.events, None, None, None),
        ):
            self.connection.add(reader)

    def alert(self, offset: int) -> None:
        self.alerts.publish(offset, self.clock(), "alert", b'"x":1}', None)

    def change(self, sequence: int) -> None:
        self.metrics.cache.take(delta(sequence, (0,), {"zone": [sequence]}))

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.wire.received]


def test_replies_go_before_events_alerts_and_metrics(clock: FakeClock) -> None:
    room = Room(clock, room=0)
    room.alert(1)
    room.events.publish(1, clock(), "session_event", b'"x":1}', None)
    room.connection.answer(protocol.reply(1))
    room.wire.drain()
    assert room.kinds() == ["reply", "session_event", "alert", "metrics_update"]


def test_a_socket_that_stands_still_gets_every_alert_but_only_the_newest_metrics(clock: FakeClock) -> None:
    room = Room(clock)
    room.connection.pump()
    room.wire.room = 0
    for number in range(2, 200):
        room.alert(number)
        room.change(number)
        room.connection.pump()
    assert room.kinds() == ["metrics_update"]
    room.wire.drain()
    assert [m["offset"] for m in room.wire.of("alert")] == list(range(2, 200))
    updates = room.wire.of("metrics_update")
    assert len(updates) == 2
    assert (updates[1]["kind"], updates[1]["from"], updates[1]["version"]) == ("delta", 1, 199)


def test_an_interval_holds_updates_back_and_wakes_for_the_last_of_them(clock: FakeClock) -> None:
    room = Room(clock, interval_ms=500)
    room.connection.pump()
    room.change(2)
    room.connection.pump()
    clock.forward(0.2)
    room.change(3)
    room.connection.pump()
    assert len(room.wire.of("metrics_update")) == 1
    assert room.wakes == [0.5]
    clock.forward(0.3)
    room.connection._awake()
    assert [m["version"] for m in room.wire.of("metrics_update")] == [1, 3]


def test_receipts_that_stay_away_slow_the_metrics_down_and_coming_again_speed_them_up(clock: FakeClock) -> None:
    room = Room(clock)
    room.connection.pump()
    room.metrics_reader.receipts.acknowledge(1)
    for sequence in range(2, 9):
        clock.forward(1)
        room.change(sequence)
        room.connection.pump()
        room.connection.look_after(clock(), BEAT)
    assert [m["version"] for m in room.wire.of("metrics_update")] == [1, 2, 3, 4, 5, 6, 8]
    room.metrics_reader.receipts.acknowledge(8)
    room.connection.look_after(clock(), BEAT)
    clock.forward(0.1)
    room.change(9)
    room.connection.pump()
    assert room.wire.received[-1]["version"] == 9


def test_a_client_that_never_acknowledges_is_not_taken_for_slow(clock: FakeClock) -> None:
    room = Room(clock)
    for sequence in range(2, 12):
        clock.forward(1)
        room.change(sequence)
        room.connection.pump()
        room.connection.look_after(clock(), BEAT)
    assert len(room.wire.of("metrics_update")) == 10


def test_a_heartbeat_comes_after_ten_seconds_of_silence_only(clock: FakeClock) -> None:
    room = Room(clock)
    room.connection.pump()
    for _ in range(25):
        clock.forward(1)
        room.connection.look_after(clock(), BEAT)
    assert room.kinds().count("heartbeat") == 2


def test_a_socket_that_takes_nothing_for_thirty_seconds_is_cut(clock: FakeClock) -> None:
    room = Room(clock, room=0)
    for _ in range(30):
        room.connection.look_after(clock(), BEAT)
        clock.forward(1)
    assert not room.wire.aborted
    room.connection.look_after(clock(), BEAT)
    assert room.wire.aborted


def test_a_token_near_its_end_is_asked_for_once_and_renewed(clock: FakeClock) -> None:
    room = Room(clock)
    clock.now_ms = LATER_MS - 60_500
    room.connection.look_after(clock(), BEAT)
    assert not room.wire.of("refresh")
    for _ in range(3):
        clock.forward(1)
        room.connection.look_after(clock(), BEAT)
    assert [m["expires_in_s"] for m in room.wire.of("refresh")] == [60]
    room.connection.renew(replace(TRAINER, expires_at_ms=LATER_MS + 900_000))
    clock.forward(120)
    room.connection.look_after(clock(), BEAT)
    assert not room.wire.closed


def test_an_expired_token_closes_the_socket(clock: FakeClock) -> None:
    room = Room(clock)
    clock.now_ms = LATER_MS
    room.connection.look_after(clock(), BEAT)
    assert room.wire.code == CloseCode.UNAUTHORIZED
    assert room.wire.of("bye")[0]["code"] == 4401


def test_a_client_that_leaves_its_replies_unread_is_cut(clock: FakeClock) -> None:
    room = Room(clock, room=0)
    for number in range(MAX_REPLIES_WAITING + 1):
        room.connection.answer(protocol.reply(number))
    assert room.wire.closed
