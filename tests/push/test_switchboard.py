"""From the log's messages to channels, books and positions."""

from typing import Any

import msgspec

from api.push.channel_names import ChannelName
from api.push.ring import KEPT_MS
from api.push.session_book import EVENTS_MAX, SessionBook
from api.push.subscriptions import StreamReader
from api.push.switchboard import Arrived, Missed, Switchboard
from api.push.tail import decode
from infra.log_tail import LogRecord
from schemas.events import Reading
from schemas.messages import LiveMessage
from schemas.synthetic import picture_of, synthetic_round
from schemas.topics import ALERTS, APP_EVENTS, LIVE, LIVE_MESSAGES, TOPICS, partition_of
from tests.push.samples import (
    NOW_MS,
    OTHER_SESSION,
    SESSION,
    OpenWire,
    alert,
    check_in,
    delta,
    keyframe,
    marker,
    message_to,
    note,
    read,
)

PLACE = partition_of(SESSION.encode())
GENERATIONS = {topic.name: f"cluster/{topic.name}" for topic in TOPICS}
ALERT_CHANNEL = ChannelName("alerts", SESSION)


def board(first: int = 100) -> Switchboard:
    places = {(topic.name, p): first for topic in (LIVE, ALERTS, APP_EVENTS, LIVE_MESSAGES) for p in range(topic.partitions)}
    return Switchboard(GENERATIONS, places)


def arrived(offset: int, message: Any) -> Arrived:
    if isinstance(message, LiveMessage):
        return Arrived(LIVE_MESSAGES.name, 0, offset, NOW_MS, message)
    topic = {"alert": ALERTS, "metrics_update": LIVE}.get(str(message.__struct_config__.tag), APP_EVENTS)
    return Arrived(topic.name, partition_of(message.session_id.encode()), offset, NOW_MS, message)


def test_an_alert_keeps_its_documented_shape_and_its_place() -> None:
    hub = board()
    assert hub.take([arrived(100, alert(1)), arrived(103, alert(2))]) == {str(ALERT_CHANNEL)}
    ring = hub.stream(ALERT_CHANNEL).ring
    first, second = (read(ring.at(cursor).frame) for cursor in (0, 1))
    assert first == {
        "type": "alert",
        "channel": str(ALERT_CHANNEL),
        "offset": 100,
        "previous": None,
        **{k: v for k, v in msgspec.to_builtins(alert(1)).items() if k != "type"},
    }
    assert (second["offset"], second["previous"]) == (103, 100)


def test_a_session_event_names_all_its_fields() -> None:
    hub = board()
    hub.take([arrived(100, marker(1))])
    message = read(hub.stream(ChannelName("events", SESSION)).ring.at(0).frame)
    assert message["type"] == "session_event"
    assert message["session_id"] == SESSION
    assert message["timestamp"].endswith("Z")
    assert message["event"]["type"] == "marker_added"
    assert message["event"]["member_id"] is None
    assert message["event"]["marker_type"] == "interval"


def test_an_event_that_was_published_twice_is_told_once() -> None:
    hub = board()
    hub.take([arrived(100, marker(1)), arrived(101, marker(2)), arrived(104, marker(1))])
    events = hub.stream(ChannelName("events", SESSION))
    assert [read(events.ring.at(n).frame)["event"]["event_id"] for n in range(len(events.ring))] == [
        marker(n).event_id for n in (1, 2)
    ]
    assert events.head == 104, "who comes back from there has missed nothing"


def test_a_member_hears_of_the_class_and_of_themselves_but_reads_no_notes() -> None:
    hub = board()
    events = [marker(1), check_in(2, 17), check_in(3, 18), note(4, 17), note(5, None)]
    hub.take([arrived(100 + at, event) for at, event in enumerate(events)])
    assert [e.event_id for e in hub.books[SESSION].seen_events(17)] == ["marker-000001", "checkin-000002"]
    assert len(hub.books[SESSION].seen_events()) == 5
    wire = OpenWire()
    channel = hub.stream(ChannelName("events", SESSION))
    StreamReader(channel, 17, channel.epoch, 99).pump(wire, NOW_MS)
    assert [(m["offset"], m["previous"]) for m in wire.received] == [(100, 99), (101, 100)]


def test_the_newest_version_of_an_alert_is_its_present_state_whatever_comes_twice() -> None:
    hub = board()
    cleared = alert(1, version=2, state="cleared", cleared_at_ms=NOW_MS + 9)
    hub.take([arrived(100, alert(1)), arrived(101, cleared), arrived(102, alert(1)), arrived(103, alert(2, member_id=18))])
    book = hub.books[SESSION]
    assert [(a.alert_id, a.state) for a in book.present_alerts()] == [
        ("alert-00000002", "active"),
        ("alert-00000001", "cleared"),
    ]
    assert [a.alert_id for a in book.present_alerts(17)] == ["alert-00000001"]


def test_a_state_of_an_alert_that_stands_twice_in_the_log_is_told_once() -> None:
    hub = board()
    cleared = alert(1, version=2, state="cleared", cleared_at_ms=NOW_MS + 9)
    hub.take([arrived(at, state) for at, state in ((100, alert(1)), (101, cleared), (103, alert(2)), (104, cleared))])
    alerts = hub.stream(ALERT_CHANNEL)
    told = [read(alerts.ring.at(n).frame) for n in range(len(alerts.ring))]
    assert [(one["alert_id"], one["version"], one["offset"], one["previous"]) for one in told] == [
        ("alert-00000001", 1, 100, None),
        ("alert-00000001", 2, 101, 100),
        ("alert-00000002", 1, 103, 101),
    ]
    assert alerts.head == 104, "who comes back from there has missed nothing"
    assert alerts.locate(alerts.epoch, 104) == alerts.ring.end


def test_epochs_are_equal_on_every_replica_and_differ_between_lives_of_the_log() -> None:
    one, two = board(), board(first=500)
    other = Switchboard({ALERTS.name: "new-cluster"}, {})
    assert one.stream(ALERT_CHANNEL).epoch == two.stream(ALERT_CHANNEL).epoch
    assert one.stream(ALERT_CHANNEL).epoch != other.stream(ALERT_CHANNEL).epoch


def test_a_quiet_channel_stands_where_its_partition_stands() -> None:
    hub = board()
    hub.take([Arrived(ALERTS.name, PLACE, 250, NOW_MS, None)])
    channel = hub.stream(ALERT_CHANNEL)
    assert channel.head == 250
    assert channel.locate(channel.epoch, 180) is not None, "nothing of this channel came since this process began to read"
    assert channel.locate(channel.epoch, 98) is None, "what came before cannot be proven"


def test_a_hole_in_the_log_makes_readers_of_that_partition_only_start_anew() -> None:
    hub = board()
    ids = (f"{n:08x}-0000-4000-8000-000000000000" for n in range(99))
    elsewhere = next(session for session in ids if partition_of(session.encode()) != PLACE)
    hub.take([arrived(100, alert(1)), arrived(100, alert(1, session_id=elsewhere)), arrived(5, keyframe(1, {"zone": [1, 1]}))])
    touched = hub.take([Missed(ALERTS.name, PLACE, 900), Missed(LIVE.name, PLACE, 900)])
    assert touched == {str(ALERT_CHANNEL)}
    assert hub.stream(ALERT_CHANNEL).ring.complete_after == 899
    assert hub.stream(ChannelName("alerts", elsewhere)).ring.complete_after == 99
    metrics = hub.known_metrics(SESSION)
    assert metrics is not None
    assert not metrics.cache.take(delta(2, (0,), {"zone": [2]})), "only a keyframe can be trusted after a hole"


def test_a_forgotten_session_does_not_claim_later_to_be_complete() -> None:
    hub = board()
    hub.take([arrived(100, alert(1)), arrived(140, alert(2))])
    epoch = hub.stream(ALERT_CHANNEL).epoch
    hub.drop_session(SESSION)
    channel = hub.stream(ALERT_CHANNEL)
    assert channel.locate(epoch, 100) is None
    assert channel.locate(epoch, 140) is not None


def test_an_unreadable_message_is_left_out_and_the_position_moves_on() -> None:
    hub = board()
    hub.take(
        decode([LogRecord(ALERTS.name, PLACE, 300, NOW_MS, b'{"type":"alert"'), LogRecord(LIVE.name, PLACE, 301, NOW_MS, b"")])
    )
    assert hub.stream(ALERT_CHANNEL).head == 300
    assert not hub.books


def test_intensity_is_noted_every_five_seconds() -> None:
    book = SessionBook()
    for second in range(1, 13):
        book.take_live(keyframe(second, {"zone": [1, 1]}))
    assert list(book.intensity) == [(NOW_MS + at * 1_000, 5.0) for at in (1, 6, 11)]


def test_a_book_of_too_many_entries_lets_the_oldest_and_the_cleared_go() -> None:
    book = SessionBook()
    for number in range(EVENTS_MAX + 1):
        book.take_event(marker(number))
        book.take_alert(alert(number, state="active" if number == 0 else "cleared"))
    assert len(book.events) == EVENTS_MAX
    assert "alert-00000000" in book.alerts
    assert "alert-00000001" not in book.alerts


def test_a_message_stands_in_the_stream_of_each_user_it_is_for_and_nowhere_else() -> None:
    hub = board()
    touched = hub.take([arrived(100, message_to(17, 18, whole_class=True)), arrived(101, message_to(18, number=2))])
    assert touched == {"user:17", "user:18"}
    mine, other = (hub.stream(ChannelName("user", key)) for key in ("17", "18"))
    assert len(mine.ring) == 1
    assert read(mine.ring.at(0).frame) == {
        "type": "message",
        "channel": "user:17",
        "offset": 100,
        "previous": None,
        "session_id": SESSION,
        "timestamp": "2026-09-21T14:13:20.001Z",
        "message": {
            "id": "message-000001",
            "from": "3",
            "from_name": "Tess",
            "from_role": "trainer",
            "to": None,
            "text": "Great pace!",
        },
    }
    private = read(other.ring.at(1).frame)
    assert (private["previous"], private["message"]["to"]) == (100, "18")
    assert hub.session_ids() == set()
    assert hub.position(ChannelName("user", "19")) == {"epoch": mine.epoch, "offset": 101}


def test_who_was_away_gets_the_messages_to_them_by_epoch_and_offset() -> None:
    hub = board()
    hub.take([arrived(100 + n, message_to(17 + n % 2, number=n)) for n in range(6)])
    channel = hub.stream(ChannelName("user", "17"))
    reader = StreamReader(channel, None, channel.epoch, 101)
    wire = OpenWire()
    assert reader.recovered
    assert reader.pump(wire, NOW_MS)
    assert [(m["offset"], m["previous"]) for m in wire.received] == [(102, 100), (104, 102)]


def test_the_channel_of_a_user_without_news_is_forgotten_and_does_not_claim_to_be_complete() -> None:
    hub = board()
    hub.take([arrived(100, message_to(17))])
    epoch = hub.stream(ChannelName("user", "17")).epoch
    assert hub.quiet_users() == []
    hub.trim(NOW_MS + KEPT_MS + 1)
    assert hub.quiet_users() == ["user:17"]
    hub.drop_stream("user:17")
    again = hub.stream(ChannelName("user", "17"))
    assert again.locate(epoch, 99) is None
    assert again.locate(epoch, 100) is not None


def test_a_hole_in_the_messages_concerns_users_and_no_session() -> None:
    hub = board()
    hub.take([arrived(100, alert(1)), arrived(100, message_to(17))])
    assert hub.take([Missed(LIVE_MESSAGES.name, 0, 500)]) == {"user:17"}
    assert hub.books[SESSION].complete
    assert hub.stream(ChannelName("user", "17")).ring.complete_after == 499


def test_a_book_that_let_something_go_says_so() -> None:
    hub = board()
    hub.take(arrived(100 + n, marker(n)) for n in range(EVENTS_MAX))
    assert hub.books[SESSION].complete
    hub.take([arrived(100 + EVENTS_MAX, marker(EVENTS_MAX))])
    assert not hub.books[SESSION].complete


def test_a_hole_in_the_log_makes_the_books_of_its_sessions_incomplete() -> None:
    hub = board()
    ids = (f"{n:08x}-0000-4000-8000-000000000000" for n in range(99))
    elsewhere = next(session for session in ids if partition_of(session.encode()) != PLACE)
    hub.take([arrived(100, alert(1)), arrived(100, alert(1, session_id=elsewhere))])
    hub.take([Missed(ALERTS.name, PLACE, 500)])
    assert [hub.books[session].complete for session in (SESSION, elsewhere)] == [False, True]


def test_channels_that_were_only_asked_about_are_forgotten_too() -> None:
    hub = board()
    hub.positions(SESSION)
    hub.metrics(ChannelName("metrics", OTHER_SESSION))
    hub.stream(ChannelName("user", "3"))
    assert hub.session_ids() == {SESSION, OTHER_SESSION}
    for session in hub.session_ids():
        hub.drop_session(session)
    assert not hub.session_ids()


def test_the_synthetic_member_is_heard_and_kept_nowhere() -> None:
    heard: list[str] = []
    hub = Switchboard(GENERATIONS, {}, heard.append)
    [sent, *_] = synthetic_round("aa", 3, NOW_MS)
    reading = Reading(**{name: getattr(sent, name) for name in SENT}, type="heart_rate", received_time_ms=NOW_MS + 2)
    assert hub.take([arrived(7, picture_of(reading))]) == set()
    assert heard == [sent.event_id]
    assert hub.session_ids() == set()
    assert hub.known_metrics(sent.session_id or "") is None


SENT = ("event_id", "member_id", "device_id", "event_time_ms", "session_id", "heart_rate_bpm")
