"""Every Kafka topic: who may read what where, spelled once.

`device-events`, `app-events`, `live` and `alerts` are keyed by session and have equal partition counts, so one flow
process owns everything that concerns its sessions. Events outside a session are keyed by `member:<id>`. The count stays
fixed for the life of a log.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.events import NO_SESSION

SESSION_PARTITIONS = 8
DAY_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Topic:
    """One topic and the settings it is made with."""

    name: str
    purpose: str
    key: str
    partitions: int
    retention_ms: int
    """-1 keeps for ever."""
    cleanup: Literal["delete", "compact"] = "delete"
    message_bytes_max: int = 1_048_576
    retention_bytes: int = -1
    """Of each partition; the oldest go first. -1: as many as the time allows."""

    def config(self) -> dict[str, str]:
        """The topic's settings as Kafka spells them."""
        settings = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(self.retention_bytes),
            "max.message.bytes": str(self.message_bytes_max),
            "message.timestamp.type": "CreateTime",
        }
        if self.cleanup == "compact":
            settings |= {"min.cleanable.dirty.ratio": "0.1", "segment.ms": str(DAY_MS), "delete.retention.ms": str(DAY_MS)}
        return settings


DEVICE_EVENTS = Topic(
    "device-events", "what devices measured", "session id, or member:<id> outside a session", SESSION_PARTITIONS, 7 * DAY_MS
)
APP_EVENTS = Topic("app-events", "what people did", "session id", SESSION_PARTITIONS, 30 * DAY_MS)
LIVE = Topic("live", "columnar metrics of each session", "session id", SESSION_PARTITIONS, DAY_MS)
ALERTS = Topic("alerts", "every state of every alert", "session id", SESSION_PARTITIONS, 30 * DAY_MS)
DIRECTORY = Topic(
    "directory", "people, sessions, devices", "session:<id>, member:<id>, device:<id>", 1, -1, "compact", 4 * 1_048_576
)
LIVE_MESSAGES = Topic(  # one partition: a user's messages come from many sessions and are still in one order, with one offset
    "live-messages", "messages between trainer and members", "session id", 1, DAY_MS
)
DEAD_LETTERS = Topic(  # bounded in bytes too: whoever sends rubbish for days must not fill the disk
    "dead-letters",
    "what was refused, with bytes and reason",
    "stage",
    1,
    30 * DAY_MS,
    message_bytes_max=4 * 1_048_576,  # base64 makes the largest message of the other topics a third larger
    retention_bytes=4 * 1024**3,
)

TOPICS: tuple[Topic, ...] = (DEVICE_EVENTS, APP_EVENTS, LIVE, ALERTS, DIRECTORY, LIVE_MESSAGES, DEAD_LETTERS)


def session_key(session_id: str, member_id: int | None = None) -> bytes:
    """The partition key of an event: its session, or its member when it belongs to none."""
    if session_id == NO_SESSION:
        return f"member:{member_id}".encode()
    return session_id.encode()


def partition_of(key: bytes, partitions: int = SESSION_PARTITIONS) -> int:
    """The partition that Kafka's own clients choose for a key (murmur2, made positive)."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed that Kafka uses."""
    mixer, mask = 0x5BD1E995, 0xFFFFFFFF
    state = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * mixer & mask
        word = (word ^ word >> 24) * mixer & mask
        state = (state * mixer & mask) ^ word
    if whole < len(data):
        state = (state ^ int.from_bytes(data[whole:], "little")) * mixer & mask
    state = (state ^ state >> 13) * mixer & mask
    return state ^ state >> 15
