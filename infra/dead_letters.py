"""Dead letters: how a refused message is named and written, and how an operator reads them."""

import hashlib
from dataclasses import dataclass

from confluent_kafka import Message

from infra.errors import PacelineError
from infra.kafka import cluster_id, open_consumer, read_to_end
from infra.settings import Settings
from infra.telemetry.logs import logger
from schemas.rejected import Rejected, Retried, dead_letter_decoder
from schemas.topics import DEAD_LETTERS
from schemas.unreadable import UNREADABLE

log = logger(__name__)
DETAIL_MAX = 2_000
GATEWAY = "gateway"
"""The stage of what the door for devices refused: nothing of it was stamped or published."""


def rejected_id(place: str) -> str:
    """The id of what was refused at a place: the same place always has the same id, whoever refuses it, however often."""
    return "dl-" + hashlib.blake2b(place.encode(), digest_size=8).hexdigest()


def reject(message: Message, *, stage: str, reason: str, detail: str, at_ms: int) -> Rejected:
    """The dead letter of a Kafka message."""
    place = f"{message.topic()}:{message.partition()}:{message.offset()}"
    return Rejected(
        rejected_id=rejected_id(place),
        place=place,
        stage=stage,
        reason=reason,
        detail=detail[:DETAIL_MAX],
        rejected_at_ms=at_ms,
        payload=message.value() or b"",
        topic=message.topic() or "",
        key=message.key() or b"",
    )


@dataclass
class DeadLetter:
    """One refused message as the operator sees it: two flows that refuse the same message make one letter."""

    rejected: Rejected
    stages: tuple[str, ...]
    retried_at_ms: int | None = None

    @property
    def state(self) -> str:
        return "retried" if self.retried_at_ms else "waiting"


def read_dead_letters(settings: Settings) -> dict[str, DeadLetter]:
    """All letters on the topic by id, oldest first."""
    cluster_id(settings)  # asked first because it says why Kafka refuses us, which a consumer does not
    consumer = open_consumer(settings)
    found: dict[str, DeadLetter] = {}
    try:
        for message in read_to_end(consumer, DEAD_LETTERS):
            _take(message, found)
    finally:
        consumer.close()
    return found


def find(letters: dict[str, DeadLetter], wanted: str) -> DeadLetter:
    """The letter with this id, or the only one whose id begins so."""
    matches = [letter for key, letter in letters.items() if key.startswith(wanted)]
    if len(matches) != 1:
        remedy = "`paceline dead-letters list` shows their ids."
        raise PacelineError(f"{len(matches) or 'No'} dead letters begin with {wanted!r}", remedy)
    return matches[0]


def _take(message: Message, found: dict[str, DeadLetter]) -> None:
    try:
        record = dead_letter_decoder.decode(message.value() or b"")
    except UNREADABLE as fault:
        log.warning("dead_letter_unreadable", offset=message.offset(), fault=str(fault))
        return
    known = found.get(record.rejected_id)
    if isinstance(record, Retried):
        if known:
            known.retried_at_ms = record.retried_at_ms
    elif known is None:
        found[record.rejected_id] = DeadLetter(record, (record.stage,))
    elif record.stage not in known.stages:
        known.stages = (*known.stages, record.stage)
