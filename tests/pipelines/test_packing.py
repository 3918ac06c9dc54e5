"""What a checkpoint holds of the live shard."""

import pickle
from typing import Any

import pytest

from pipelines.packing import packed, unpacked
from pipelines.steps.shard import LiveShard
from tests.pipelines.steps.people import STARTED_MS, member, reading, session


def snapshot() -> dict[str, Any]:
    shard = LiveShard.restore(None)
    shard.put_session(session([member(number) for number in range(1, 41)]))
    for second in range(90):
        shard.readings([reading(number, second * 1_000 + 7 * number, heart_rate_bpm=100 + second) for number in range(1, 41)])
        shard.tick(STARTED_MS + second * 1_000 + 999, caught_up=True)
    return shard.snapshot()


def test_what_was_packed_comes_out_to_the_last_bit_and_takes_less_room() -> None:
    before = snapshot()
    stored = packed(before)
    assert pickle.dumps(unpacked(stored)) == pickle.dumps(pickle.loads(pickle.dumps(before)))
    assert len(pickle.dumps(stored)) < len(pickle.dumps(before)) / 2


def test_a_shard_goes_on_from_a_packed_snapshot_and_from_one_that_an_earlier_program_wrote() -> None:
    before = snapshot()
    for stored in (before, packed(before)):
        shard = LiveShard.restore(unpacked(stored))
        assert shard.members == 40
        assert shard.take_live(STARTED_MS + 90_000)


def test_a_program_that_does_not_know_the_packed_form_says_so() -> None:
    with pytest.raises(ValueError, match="version 2"):
        LiveShard.restore(packed(snapshot()))


def test_without_a_snapshot_there_is_nothing_to_unpack() -> None:
    assert unpacked(None) is None
