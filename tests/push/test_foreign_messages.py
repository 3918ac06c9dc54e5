"""Messages on the topics that are none of ours: told once, passed over, and nobody else loses anything."""

from typing import Any

import msgspec
import pytest

from api.push.channel_names import ChannelName
from api.push.switchboard import Arrived, Missed, Switchboard
from api.push.tail import decode
from infra.log_tail import LogRecord
from infra.telemetry.metrics import HUB_UNREADABLE
from schemas.topics import ALERTS, APP_EVENTS, LIVE, LIVE_MESSAGES, Topic, partition_of
from tests.hostile import READ_BY_THE_HUB, payloads
from tests.push.samples import NOW_MS, SESSION, alert, delta, keyframe, marker, message_to

TABLE = [(topic, name) for topic in READ_BY_THE_HUB for name in payloads(topic)]
OURS: dict[Topic, tuple[Any, ChannelName]] = {
    ALERTS: (alert(1), ChannelName("alerts", SESSION)),
    APP_EVENTS: (marker(1), ChannelName("events", SESSION)),
    LIVE: (keyframe(1, {"zone": [1, 2]}), ChannelName("metrics", SESSION)),
    LIVE_MESSAGES: (message_to(17), ChannelName("user", "17")),
}


def unreadable(topic: Topic) -> float:
    (metric,) = HUB_UNREADABLE.labels(topic.name).collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


def heard(*values: bytes, topic: Topic) -> list[Arrived | Missed]:
    place = partition_of(SESSION.encode(), topic.partitions)
    return list(decode([LogRecord(topic.name, place, at, NOW_MS, value) for at, value in enumerate(values, 100)]))


@pytest.mark.parametrize(("topic", "name"), TABLE, ids=lambda part: getattr(part, "name", part))
def test_a_foreign_message_is_told_once_and_the_one_behind_it_arrives(topic: Topic, name: str) -> None:
    message, channel = OURS[topic]
    before, board = unreadable(topic), Switchboard({}, {})
    touched = board.take(heard(payloads(topic)[name] or b"", msgspec.json.encode(message), topic=topic))
    assert touched == {str(channel)}
    assert unreadable(topic) == before + 1
    if topic is LIVE:
        assert board.metrics(channel).cache.columns == {"zone": [1, 2]}
    else:
        assert (len(board.stream(channel).ring), board.stream(channel).head) == (1, 101)


@pytest.mark.parametrize("rows", [(2,), (-1,), (0, 1)])
def test_changes_of_rows_that_do_not_exist_change_nothing_and_wait_for_the_whole(rows: tuple[int, ...]) -> None:
    board, name = Switchboard({}, {}), OURS[LIVE][1]
    cache = board.metrics(name).cache
    told = [keyframe(1, {"zone": [1, 2]}), delta(2, rows, {"zone": [5]}), delta(3, (0,), {"zone": [4]})]
    board.take(heard(*map(msgspec.json.encode, told), topic=LIVE))
    assert (cache.columns, cache.version, cache.waits_for_key) == ({"zone": [1, 2]}, 1, True)
    board.take(heard(msgspec.json.encode(keyframe(4, {"zone": [3, 3]})), topic=LIVE))
    assert (cache.columns, cache.waits_for_key) == ({"zone": [3, 3]}, False)
