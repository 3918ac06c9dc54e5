"""What travels inside a flow: batches of messages in, messages and rows out. No engine, no client."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.tables import Table

Message = Any
"""A Kafka message as its client hands it out: `value()`, `key()`, `topic()`, `partition()`, `offset()`, `timestamp()`."""
Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one topic in the order of their partitions. An empty one only wakes who receives it."""

    topic: str
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Publish:
    """A message for a topic."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for a table. They may be inserted more than once: its key makes one of them."""

    table: Table
    rows: pa.Table


Output = Publish | Rows


def only_messages(output: Output) -> Publish | None:
    """The output, when it goes to a topic."""
    return output if isinstance(output, Publish) else None


def only_rows(output: Output) -> Rows | None:
    """The output, when it goes to the warehouse."""
    return output if isinstance(output, Rows) else None
