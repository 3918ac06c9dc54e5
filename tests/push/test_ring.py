"""The ring against a list that forgets nothing."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from api.push import ring as ring_module
from api.push.channel_names import ChannelName
from api.push.channels import StreamChannel
from api.push.connection import Connection
from api.push.subscriptions import StreamReader
from tests.push.samples import LATER_MS, MEMBER, NOW_MS, SESSION, TRAINER, OpenWire

NAME = ChannelName("alerts", SESSION)
EPOCH = "epoch-1"


def connection_on(wire: OpenWire, member: bool = False) -> Connection:
    return Connection("c", wire, MEMBER if member else TRAINER, lambda: NOW_MS, lambda _s, _call: None)


class ReadersOfOneStream(RuleBasedStateMachine):
    """Readers that are slow, leave and come back; each must know every message, or have been told of a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        self.next_offset = 10
        self.log: list[tuple[int, int | None]] = []
        self.channel = StreamChannel(NAME, EPOCH, complete_after=9)
        self.readers: list[tuple[OpenWire, Connection, int | None, dict[str, int]]] = []

    @rule(hole=st.integers(0, 3), audience=st.sampled_from([None, ring_module.EVERYONE, 17, 18]))
    def publish(self, hole: int, audience: int | None) -> None:
        offset = self.next_offset + hole
        self.next_offset = offset + 1
        self.log.append((offset, audience))
        self.channel.publish(offset, self.now_ms, "alert", b'"x":1}', audience)
        for _wire, connection, _member, _start in self.readers:
            connection.pump()

    @rule(count=st.integers(950, 1_050))
    def publish_a_flood(self, count: int) -> None:
        for _ in range(count):
            self.publish(0, ring_module.EVERYONE)

    @rule(member=st.booleans(), room=st.integers(0, 5))
    def arrive(self, member: bool, room: int) -> None:
        self.join(member, room, None, None)

    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        if not self.readers:
            return
        at = data.draw(st.integers(0, len(self.readers) - 1))
        _wire, connection, member, start = self.readers.pop(at)
        known = self.known(connection, start)
        self.join(member is not None, data.draw(st.integers(0, 5)), data.draw(st.sampled_from([EPOCH, "foreign"])), known)

    def join(self, member: bool, room: int, epoch: str | None, offset: int | None) -> None:
        wire = OpenWire(room)
        connection = connection_on(wire, member)
        view = MEMBER.user_id if member else None
        reader = StreamReader(self.channel, view, epoch, offset)
        told = reader.shown()
        provable = epoch == EPOCH and offset is not None and offset >= self.channel.ring.complete_after
        assert told["recovered"] is provable
        if provable:
            assert told["offset"] == offset
            assert told["replayed"] == len(self.visible(view, offset or 0))
        connection.add(reader)
        connection.pump()
        self.readers.append((wire, connection, view, {"after": told["offset"]}))

    @rule(data=st.data(), room=st.integers(0, 2_000))
    def read_on(self, data: st.DataObject, room: int) -> None:
        if self.readers:
            data.draw(st.sampled_from(self.readers))[0].drain(room)

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now_ms += seconds * 1_000
        self.channel.ring.trim(self.now_ms)

    def visible(self, view: int | None, after: int) -> list[int]:
        return list(self.coming(view, after))

    def coming(self, view: int | None, after: int) -> Iterator[int]:
        for at in range(bisect_right(self.log, after, key=itemgetter(0)), len(self.log)):
            offset, audience = self.log[at]
            if view is None or audience in {ring_module.EVERYONE, view}:
                yield offset

    def known(self, connection: Connection, start: dict[str, int]) -> int:
        reader = connection.readers[str(NAME)]
        assert isinstance(reader, StreamReader)
        return reader.last

    @invariant()
    def nobody_misses_anything_in_silence(self) -> None:
        for wire, _connection, view, start in self.readers:
            last = start["after"]
            fresh, start["checked"] = wire.received[start.get("checked", 0) :], len(wire.received)
            for message in fresh:
                if message["type"] == "gap":
                    assert message["offset"] >= last
                    last = message["offset"]
                    continue
                assert message["offset"] == next(self.coming(view, last)), "the next message that this reader may see, no other"
                assert message["previous"] is None or message["previous"] <= last
                last = message["offset"]
            start["after"] = last
            if not wire.paused:
                assert not self.visible(view, last), "a reader that reads is brought to the end"

    @invariant()
    def the_ring_stays_within_bounds(self) -> None:
        ring = self.channel.ring
        assert len(ring) <= ring_module.KEPT_MESSAGES
        kept = [ring.at(cursor).offset for cursor in range(ring.base, ring.end)]
        assert kept == [offset for offset, _ in self.log if offset > ring.complete_after]


TestReadersOfOneStream = ReadersOfOneStream.TestCase
TestReadersOfOneStream.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.lists(st.integers(100_000, 900_000), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_a_ring_of_large_messages_keeps_to_its_bytes_and_always_the_newest(sizes: list[int]) -> None:
    channel = StreamChannel(NAME, EPOCH, complete_after=-1)
    for offset, size in enumerate(sizes):
        channel.publish(offset, NOW_MS, "alert", b'"x":"' + b"y" * size + b'"}', None)
    ring = channel.ring
    assert sum(ring.at(c).bytes_held for c in range(ring.base, ring.end)) <= ring_module.KEPT_BYTES
    assert ring.at(ring.end - 1).offset == len(sizes) - 1


def test_a_hole_in_the_log_is_told_as_a_gap_even_to_a_reader_at_the_end() -> None:
    channel = StreamChannel(NAME, EPOCH, complete_after=-1)
    wire = OpenWire()
    connection = connection_on(wire)
    channel.publish(0, NOW_MS, "alert", b'"x":1}', None)
    connection.add(StreamReader(channel, None, None, None))
    channel.forget(50)
    connection.pump()
    channel.publish(51, NOW_MS, "alert", b'"x":1}', None)
    connection.pump()
    assert [(m["type"], m["offset"]) for m in wire.received] == [("gap", 50), ("alert", 51)]
    assert wire.received[0]["state"] == f"/api/v1/live/sessions/{SESSION}/state"
    assert channel.locate(EPOCH, 0) is None


def test_a_position_ahead_of_what_this_replica_has_read_is_not_taken_for_complete() -> None:
    channel = StreamChannel(NAME, EPOCH, complete_after=-1)
    channel.publish(5, LATER_MS, "alert", b'"x":1}', None)
    assert channel.locate(EPOCH, 5) is not None
    assert channel.locate(EPOCH, 6) is None
