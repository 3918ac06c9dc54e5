"""Any interleaving of deltas, keyframes, losses and slow reads paints the exact state at every reader."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from api.push.channel_names import ChannelName
from api.push.channels import MetricsChannel
from api.push.connection import Connection
from api.push.subscriptions import MetricsReader
from schemas.live import LiveUpdate
from tests.push.samples import MEMBER, NOW_MS, SESSION, TRAINER, OpenWire, Screen, delta, keyframe

NAME = ChannelName("metrics", SESSION)
COLUMNS = ("heart_rate_bpm", "zone", "state")
ROOMS = st.sampled_from([0, 1, 2, 1_000])
VALUES = st.one_of(st.none(), st.integers(90, 95))


class FlowAndReaders(RuleBasedStateMachine):
    """The flow holds the truth, the cache follows it, screens follow the cache."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        self.sequence = 0
        self.members: tuple[int, ...] = (17, 18)
        self.truth: dict[str, list[Any]] = {name: [None, None] for name in COLUMNS}
        self.channel = MetricsChannel(NAME)
        self.shown: tuple[tuple[int, ...], dict[str, list[Any]]] | None = None
        self.readers: list[tuple[OpenWire, Connection, Screen, int | None]] = []

    def send(self, update: LiveUpdate, lost: bool) -> None:
        if lost:
            return
        if self.channel.cache.take(update):
            self.shown = (self.members, {name: list(column) for name, column in self.truth.items()})
        for _wire, connection, _screen, _member in self.readers:
            connection.pump()

    @rule(data=st.data(), lost=st.booleans())
    def change_some(self, data: st.DataObject, lost: bool) -> None:
        rows = sorted(data.draw(st.sets(st.integers(0, len(self.members) - 1), min_size=1)))
        names = sorted(data.draw(st.sets(st.sampled_from(COLUMNS), min_size=1)))
        for name in names:
            for row in rows:
                self.truth[name][row] = data.draw(VALUES)
        self.sequence += 1
        columns = {name: [self.truth[name][row] for row in rows] for name in names}
        self.send(delta(self.sequence, tuple(rows), columns), lost)

    @rule(lost=st.booleans())
    def keyframe(self, lost: bool) -> None:
        self.sequence += 1
        self.send(keyframe(self.sequence, {n: list(c) for n, c in self.truth.items()}, self.members), lost)

    @rule()
    def flow_restarts_from_an_older_state(self) -> None:
        self.sequence = max(0, self.sequence - 3)
        self.keyframe(lost=False)

    @rule(member=st.integers(19, 30))
    def member_joins(self, member: int) -> None:
        if member not in self.members:
            self.members = (*self.members, member)
            for column in self.truth.values():
                column.append(None)
            self.keyframe(lost=False)

    @rule(member=st.booleans(), room=ROOMS, interval=st.sampled_from([0, 500]))
    def arrive(self, member: bool, room: int, interval: int) -> None:
        wire, view = OpenWire(room), MEMBER.user_id if member else None
        connection = Connection("c", wire, MEMBER if member else TRAINER, lambda: self.now_ms, lambda _s, _call: None)
        connection.add(MetricsReader(self.channel, view, interval))
        connection.pump()
        self.readers.append((wire, connection, Screen(), view))

    @rule(data=st.data(), room=ROOMS)
    def read_on(self, data: st.DataObject, room: int) -> None:
        if self.readers:
            data.draw(st.sampled_from(self.readers))[0].drain(room)

    @rule(data=st.data())
    def ask_for_key(self, data: st.DataObject) -> None:
        if self.readers:
            _wire, connection, _screen, _view = data.draw(st.sampled_from(self.readers))
            reader = connection.readers[str(NAME)]
            assert isinstance(reader, MetricsReader)
            reader.want_key()
            connection.pump()

    @rule()
    def time_passes(self) -> None:
        self.now_ms += 500
        for _wire, connection, _screen, _view in self.readers:
            connection.pump()

    @invariant()
    def every_screen_is_true(self) -> None:
        for wire, connection, screen, view in self.readers:
            for message in wire.received:
                screen.take(message)
            wire.received.clear()
            reader = connection.readers[str(NAME)]
            assert isinstance(reader, MetricsReader)
            if self.shown is None or wire.paused or reader.waits_ms(self.now_ms):
                continue
            members, columns = self.shown
            row = None if view is None else members.index(view)
            expected = columns if row is None else {name: [column[row]] for name, column in columns.items()}
            assert screen.members == (list(members) if row is None else [view])
            assert screen.columns == expected

    @invariant()
    def waiting_for_a_key_means_a_message_was_lost(self) -> None:
        if not self.channel.cache.waits_for_key:
            assert self.shown is not None
            assert self.shown[0] == self.channel.cache.members


TestFlowAndReaders = FlowAndReaders.TestCase
TestFlowAndReaders.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def channel_with(*updates: LiveUpdate) -> MetricsChannel:
    channel = MetricsChannel(NAME)
    for update in updates:
        channel.cache.take(update)
    return channel


def test_readers_at_the_same_version_share_one_encoding() -> None:
    channel = channel_with(keyframe(1, {"heart_rate_bpm": [100, 110]}), delta(2, (0,), {"heart_rate_bpm": [101]}))
    assert channel.frame(1, None) is channel.frame(1, None)
    assert channel.frame(None, None) is channel.frame(None, None)


def test_a_follower_gets_everything_anew_when_a_member_joins() -> None:
    channel = channel_with(keyframe(1, {"zone": [1, 2]}), keyframe(2, {"zone": [3, 1, 2]}, members=(11, 17, 18)))
    frame = channel.frame(1, None)
    assert frame is channel.frame(None, None)


def test_a_delta_whose_base_is_missing_is_left_out_until_the_next_keyframe() -> None:
    channel = channel_with(keyframe(1, {"heart_rate_bpm": [100, 110]}))
    assert not channel.cache.take(delta(3, (0,), {"heart_rate_bpm": [103]}))
    assert not channel.cache.take(delta(4, (0,), {"heart_rate_bpm": [104]}))
    assert channel.cache.columns["heart_rate_bpm"] == [100, 110]
    assert channel.cache.take(keyframe(5, {"heart_rate_bpm": [105, 110]}))
    assert channel.cache.take(delta(6, (1,), {"heart_rate_bpm": [111]}))
    assert channel.cache.columns["heart_rate_bpm"] == [105, 111]


def test_a_keyframe_that_changes_one_row_reaches_followers_as_that_row_only() -> None:
    channel = channel_with(keyframe(1, {"heart_rate_bpm": [100, 110]}), keyframe(2, {"heart_rate_bpm": [100, 111]}))
    frame = channel.frame(1, None)
    assert frame is not None
    assert b'"kind":"delta"' in frame.text
    assert b'"rows":[1]' in frame.text


def test_a_member_gets_nothing_while_only_others_change_and_no_mean_of_a_small_class() -> None:
    channel = channel_with(keyframe(1, {"heart_rate_bpm": [100, 110]}), delta(2, (1,), {"heart_rate_bpm": [111]}))
    assert channel.frame(1, MEMBER.user_id) is None
    assert channel.frame(1, 99) is None
    screen = Screen()
    wire = OpenWire()
    reader = MetricsReader(channel, MEMBER.user_id, 0)
    reader.pump(wire, NOW_MS)
    screen.take(wire.received[0])
    assert (screen.members, screen.columns) == ([17], {"heart_rate_bpm": [100]})
    assert screen.class_metrics is None


def test_a_pause_of_the_class_reaches_a_member_whose_row_did_not_change() -> None:
    channel = channel_with(keyframe(1, {"heart_rate_bpm": [100, 110]}), delta(2, (), {}, session_state="paused"))
    frame = channel.frame(1, MEMBER.user_id)
    assert frame is not None
    assert b'"session_state":"paused"' in frame.text
