"""News of a class goes to those it concerns: all of it to the trainer, to a member what is about their own row."""

from api.push.audience import Audience
from api.push.channel_names import ChannelName
from api.push.channels import MetricsChannel, StreamChannel
from api.push.connection import Connection
from api.push.subscriptions import MetricsReader, StreamReader
from tests.conftest import FakeClock
from tests.push.samples import MEMBER, SESSION, STRANGER, TRAINER, OpenWire, delta, keyframe

METRICS = MetricsChannel(ChannelName("metrics", SESSION))


def watching(clock: FakeClock) -> tuple[Audience, dict[str, Connection]]:
    """The metrics of a class, read by its trainer and by two members."""
    audience, connections = Audience(), {}
    for user in (TRAINER, MEMBER, STRANGER):
        connection = Connection(f"of-{user.user_id}", OpenWire(10**9), user, clock, lambda *_: None)
        member_id = user.user_id if user.role == "member" else None
        audience.put(connection, MetricsReader(METRICS, member_id, 0))
        connections[connection.id] = connection
    return audience, connections


def woken(audience: Audience, members: list[int] | None) -> set[str]:
    return {connection_id for some in audience.concerned(members) for connection_id in some}


def test_news_of_one_member_wakes_the_trainer_and_that_member(clock: FakeClock) -> None:
    audience, _ = watching(clock)
    assert woken(audience, [MEMBER.user_id]) == {"of-3", "of-17"}
    assert woken(audience, []) == {"of-3"}
    assert woken(audience, None) == {"of-3", "of-17", "of-99"}


def test_who_has_left_is_woken_no_more(clock: FakeClock) -> None:
    audience, connections = watching(clock)
    audience.drop(connections["of-17"])
    assert woken(audience, [MEMBER.user_id]) == {"of-3"}
    audience.drop(connections["of-3"])
    audience.drop(connections["of-99"])
    assert woken(audience, None) == set()
    assert not audience.everyone


def test_every_message_of_a_stream_wakes_all_its_readers(clock: FakeClock) -> None:
    audience, channel = Audience(), StreamChannel(ChannelName("alerts", SESSION), "e", -1)
    connection = Connection("c", OpenWire(10**9), MEMBER, clock, lambda *_: None)
    audience.put(connection, StreamReader(channel, MEMBER.user_id, None, None))
    assert woken(audience, None) == {"c"}


def test_members_are_concerned_by_their_own_rows_and_all_by_what_is_said_of_the_class() -> None:
    channel = MetricsChannel(ChannelName("metrics", SESSION))
    channel.cache.take(keyframe(1, {"zone": [1, 1]}))
    assert channel.take_concerned() is None  # everyone is told of a new layout
    channel.cache.take(delta(2, (1,), {"zone": [3]}))
    channel.cache.take(delta(3, (0,), {"zone": [1]}))  # no other value than before
    assert channel.take_concerned() == [18]
    assert channel.take_concerned() == []
    channel.cache.take(delta(4, (), {}, session_state="paused"))
    assert channel.take_concerned() is None
