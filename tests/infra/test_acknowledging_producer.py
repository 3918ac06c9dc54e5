"""What becomes of messages that Kafka does not take: each is named in its own batch."""

import asyncio

from infra.acknowledging_producer import AcknowledgingProducer
from infra.settings import Settings

NOBODY = Settings(kafka="127.0.0.1:9")


async def test_what_was_never_acknowledged_fails_by_its_name_when_the_producer_leaves() -> None:
    producer = AcknowledgingProducer(NOBODY)
    first = producer.send("device-events", [("a", b"key", b"1"), ("b", b"key", b"2")])
    second = producer.send("device-events", [("a", b"key", b"1")])
    await asyncio.sleep(0.05)
    assert not first.settled.done()
    producer.close(patience_s=0)
    assert (first.settled.done(), second.settled.done()) == (True, True)
    assert (sorted(first.faults), sorted(second.faults)) == (["a", "b"], ["a"])


async def test_a_producer_that_leaves_on_another_thread_tells_the_loop() -> None:
    producer = AcknowledgingProducer(NOBODY)
    sending = producer.send("device-events", [("a", b"key", b"1")])
    await asyncio.gather(asyncio.to_thread(producer.close, 0), sending.settled)
    assert list(sending.faults) == ["a"]


async def test_what_the_client_itself_refuses_fails_and_its_neighbours_go_on() -> None:
    producer = AcknowledgingProducer(NOBODY)
    sending = producer.send("device-events", [("small", b"key", b"1"), ("large", b"key", b"x" * 5_000_000)])
    assert list(sending.faults) == ["large"]
    assert not sending.settled.done()
    alone = producer.send("device-events", [("larger", b"key", b"x" * 6_000_000)])
    assert (list(alone.faults), alone.settled.done()) == (["larger"], True)
    producer.close(patience_s=0)
    assert sorted(sending.faults) == ["large", "small"]
