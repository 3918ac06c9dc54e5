"""Kafka's topics into Parquet files and back: every message with its time, key and headers, in the order of its partition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from infra.backup.archive import Archive, ArchiveWriter, PartitionRecord, Progress
from infra.errors import PacelineError, Unavailable
from infra.kafka import ends, open_consumer, open_producer
from infra.settings import Settings
from schemas.topics import TOPICS

FOLDER, ENDING = "kafka", ".parquet"
GROUP_ROWS = 20_000
PATIENCE_S = 30.0
HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.binary())]))
COLUMNS: list[tuple[str, pa.DataType]] = [
    ("partition", pa.int32()),
    ("offset", pa.int64()),
    ("at_ms", pa.int64()),
    ("key", pa.binary()),
    ("value", pa.binary()),
    ("headers", HEADERS),
]
SCHEMA = pa.schema(COLUMNS)


@dataclass
class Moved:
    """Where messages of a partition stood, and where they stand now."""

    base: int
    """The new offset of the first."""
    offsets: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def offset(self, before: int) -> int:
        """Where one goes on who had read all messages below `before`."""
        return self.base + sum(int(np.searchsorted(part, before)) for part in self.offsets)


def places(settings: Settings) -> tuple[PartitionRecord, ...]:
    """How far every partition reaches now. Raises Unavailable when Kafka does not tell."""
    consumer = open_consumer(settings)
    try:
        return tuple(
            PartitionRecord(topic.name, partition, *ends(consumer, topic.name, partition))
            for topic in TOPICS
            for partition in range(topic.partitions)
        )
    except KafkaException as failure:
        raise Unavailable(f"Kafka did not name the ends of its topics: {failure}", "Is it running?") from None
    finally:
        consumer.close()


def export(settings: Settings, archive: ArchiveWriter, until: Sequence[PartitionRecord], progress: Progress) -> None:
    """Every topic into a file of its own, each partition as far as `until` says."""
    most, done = sum(place.high - place.low for place in until), 0
    consumer = open_consumer(settings)
    try:
        for topic in TOPICS:
            bounds = [place for place in until if place.topic == topic.name]
            name, kept = f"{FOLDER}/{topic.name}{ENDING}", 0
            with pq.ParquetWriter(archive.file(name), SCHEMA, compression="zstd") as writer:
                for messages in _batches(consumer, bounds):
                    writer.write_table(_columns(messages))
                    kept += len(messages)
                    progress("what came", done + kept, most)
            archive.written(name, kept)
            done += sum(place.high - place.low for place in bounds)
    finally:
        consumer.close()
    progress("what came", most, most)


def filled(settings: Settings) -> list[str]:
    """The topics that hold anything."""
    return sorted({place.topic for place in places(settings) if place.high > place.low})


def restore(settings: Settings, archive: Archive, progress: Progress) -> dict[tuple[str, int], Moved]:
    """Fill the empty topics; returns where the messages of each partition stand now."""
    moved = {(place.topic, place.partition): Moved(place.high) for place in places(settings)}
    names = [f"{FOLDER}/{topic.name}{ENDING}" for topic in TOPICS]
    known = [name for name in names if name in archive.manifest.files]
    most, done = sum(archive.rows(name) for name in known), 0
    sender = _Sender(settings)
    for name in known:
        topic = name.removeprefix(f"{FOLDER}/").removesuffix(ENDING)
        with pq.ParquetFile(archive.path(name)) as file:
            for batch in file.iter_batches(GROUP_ROWS):
                _note(moved, topic, batch)
                for row in batch.to_pylist():
                    sender.send(topic, row)
                done += batch.num_rows
                progress("what came", done, most)
        sender.finish()
    return moved


class _Sender:
    """Messages to where they were. The first that Kafka refuses ends it."""

    def __init__(self, settings: Settings) -> None:
        self._producer: Producer = open_producer(settings, linger_ms=20)
        self._fault: KafkaError | None = None

    def send(self, topic: str, row: dict[str, Any]) -> None:
        headers = [(header["name"], header["value"]) for header in row["headers"]]
        while True:
            try:
                self._producer.produce(
                    topic,
                    row["value"],
                    row["key"],
                    row["partition"],
                    timestamp=row["at_ms"],
                    headers=headers,
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(0.5)
            else:
                return

    def finish(self) -> None:
        """Wait until Kafka has all of them."""
        left = self._producer.flush(120)
        if self._fault or left:
            said = self._fault.str() if self._fault else f"{left} messages wait"
            raise Unavailable(f"Kafka did not take what the backup holds: {said}", "Reset this installation and try again.")

    def _delivered(self, fault: KafkaError | None, _message: Message) -> None:
        self._fault = self._fault or fault


def _note(moved: dict[tuple[str, int], Moved], topic: str, batch: pa.RecordBatch) -> None:
    partition, offset = batch["partition"].to_numpy(), batch["offset"].to_numpy()
    for number in np.unique(partition).tolist():
        if (topic, number) not in moved:
            raise PacelineError(f"The backup has more partitions of {topic} than this program makes")
        moved[topic, number].offsets.append(offset[partition == number])


def _batches(consumer: Consumer, bounds: Sequence[PartitionRecord]) -> Iterator[list[Message]]:
    """All messages below the bounds; messages that came after them are left out."""
    high = {place.partition: place.high for place in bounds if place.high > place.low}
    if not high:
        return
    consumer.assign([TopicPartition(p.topic, p.partition, p.low) for p in bounds if p.partition in high])
    topic, waited_s = bounds[0].topic, 0.0
    while high:
        found = consumer.consume(GROUP_ROWS, timeout=0.2)
        waited_s = 0.0 if found else waited_s + 0.2
        _refuse_holes(found)
        if waited_s > PATIENCE_S:
            raise Unavailable(f"Topic {topic} could not be read to its end", "Is Kafka running?")
        inside = [m for m in found if m.error() is None and (m.offset() or 0) < high.get(m.partition() or 0, 0)]
        if inside:
            yield inside
        at = {part.partition: part.offset for part in consumer.position([TopicPartition(topic, p) for p in high])}
        high = {partition: end for partition, end in high.items() if at[partition] < end}


def _refuse_holes(found: list[Message]) -> None:
    fault = next((m.error() for m in found if m.error() is not None), None)
    if fault is not None and fault.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
        raise Unavailable("Kafka dropped old messages while they were being copied", "Try again: they had served their time.")


def _columns(messages: list[Message]) -> pa.Table:
    return pa.table(
        {
            "partition": [m.partition() for m in messages],
            "offset": [m.offset() for m in messages],
            "at_ms": [m.timestamp()[1] for m in messages],
            "key": [m.key() for m in messages],
            "value": [m.value() for m in messages],
            "headers": [_headers(m) for m in messages],
        },
        schema=SCHEMA,
    )


def _headers(message: Message) -> list[dict[str, Any]]:
    found: Any = message.headers() or []  # a list of pairs, whatever the stubs say
    return [{"name": name, "value": value} for name, value in found]
