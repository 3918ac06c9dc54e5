import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding import Malformed
from ingest.gateway.bodies import Body, Budget, TooLarge
from ingest.outcomes import SlowDown


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@given(st.binary(max_size=5_000), st.integers(1, 900))
async def test_a_body_unpacks_to_what_was_packed_however_it_is_cut(data: bytes, size: int) -> None:
    budget = Budget()
    with Body(budget) as body:
        assert await body.read_gzip(chunks(gzip.compress(data), size)) == data
    with Body(budget) as body:
        assert await body.read_plain(chunks(data, size)) == data
    assert budget.held == 0


@pytest.mark.parametrize("length", [1_000, 1_001, 50_000_000])
async def test_the_cap_holds_while_unpacking(length: int) -> None:
    budget = Budget()
    packed = gzip.compress(b"\0" * length, 9)
    with Body(budget, cap=1_000) as body:
        if length <= 1_000:
            assert len(await body.read_gzip(chunks(packed, 64))) == length
        else:
            with pytest.raises(TooLarge):
                await body.read_gzip(chunks(packed, 64))
            assert budget.held <= 1_000
    assert budget.held == 0


async def test_bodies_together_stay_within_their_budget() -> None:
    budget = Budget(cap=1_500)
    with Body(budget) as first, Body(budget) as second:
        await first.read_plain(chunks(b"x" * 1_000, 100))
        with pytest.raises(SlowDown):
            await second.read_plain(chunks(b"x" * 1_000, 100))
        assert budget.held <= 1_500
    with Body(budget) as third:
        await third.read_plain(chunks(b"x" * 1_500, 100))


@pytest.mark.parametrize(
    "data", [b"", b"plain", gzip.compress(b"abc", mtime=0)[:-1], gzip.compress(b"abc", mtime=0) * 2, zlib.compress(b"abc")]
)
async def test_what_is_not_one_whole_gzip_stream_is_malformed(data: bytes) -> None:
    with Body(Budget()) as body, pytest.raises(Malformed):
        await body.read_gzip(chunks(data, 7))
