"""What comes from outside, checked at the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.push.channel_names import ChannelName, parse_channel, refusal_to_watch
from api.push.door import Refused, decode_frame, origin_allowed
from api.push.limits import TokenBucket, frame_limit
from api.push.protocol import CloseCode, Refusal
from tests.push.samples import MEMBER, NOW_MS, OTHER_SESSION, SESSION, STRANGER, TRAINER, session


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://gym.local:28080", True),
        ("https://gym.local:28080", True),
        ("https://wall.example", True),
        ("https://gym.local", False),
        ("https://gym.local:28080.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("ftp://gym.local:28080", False),
    ],
)
def test_pages_of_other_origins_may_not_open_the_socket(origin: str, allowed: bool) -> None:
    assert origin_allowed(origin, "gym.local:28080", "https://wall.example/, https://other.example") is allowed


def test_an_empty_host_allows_no_page() -> None:
    assert not origin_allowed("http://", "", "")


@given(st.text(max_size=200))
def test_any_text_that_is_no_frame_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refused, match="The frame was not understood") as refusal:
        decode_frame(text)
    assert refusal.value.code == CloseCode.BAD_FRAME


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "metrics_update"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "channel": 7}',
        '{"type": "ack", "channel": "alerts:x", "offset": 1e99}',
        '{"type": "hello", "version": 2}',
        '{"type": "hello", "subscriptions": [' + ",".join(['{"channel": "user:1"}'] * 129) + "]}",
        "[]",
        '{"type": ' + "[" * 15_000,
        '{"type": "ping", "more": ' + "[" * 15_000,
    ],
)
def test_frames_outside_the_protocol_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        decode_frame(text)


@pytest.mark.parametrize(
    "text", ["metrics", "metrics:", f"chat:{SESSION}", f"alerts:{SESSION}x", "user:0", "user:-1", "user:abc"]
)
def test_unknown_channels_are_refused(text: str) -> None:
    assert isinstance(parse_channel(text), Refusal)


def test_rights_follow_roster_and_role() -> None:
    alerts = ChannelName("alerts", SESSION)
    assert refusal_to_watch(TRAINER, alerts, session()) is None
    assert refusal_to_watch(MEMBER, alerts, session()) is None
    strange = refusal_to_watch(STRANGER, alerts, session())
    assert strange is not None
    assert strange.code == "forbidden"
    unknown = refusal_to_watch(TRAINER, ChannelName("alerts", OTHER_SESSION), None)
    assert unknown is not None
    assert unknown.temporary
    assert refusal_to_watch(TRAINER, ChannelName("user", "3"), None) is None
    assert refusal_to_watch(TRAINER, ChannelName("user", "4"), None) is not None


def test_the_bucket_lets_through_its_rate_and_its_burst() -> None:
    bucket = TokenBucket(per_s=10, burst=20, now_ms=0)
    assert sum(bucket.take(0) for _ in range(50)) == 20
    assert sum(bucket.take(1_000) for _ in range(50)) == 10
    assert not bucket.take(500), "a clock that goes back gives nothing"


def test_three_breaches_within_ten_seconds_are_one_too_many() -> None:
    limit = frame_limit(NOW_MS)
    for _ in range(60):
        assert limit.admits(NOW_MS)
    assert not limit.admits(NOW_MS)
    assert not limit.admits(NOW_MS)
    assert not limit.exhausted
    assert not limit.admits(NOW_MS)
    assert limit.exhausted
