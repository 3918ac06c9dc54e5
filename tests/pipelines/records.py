"""Messages as the Kafka client hands them out, made by hand for tests of what never talks to Kafka."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One message of a log that exists only in a test."""

    topic_name: str
    partition_number: int
    at: int
    payload: bytes | None = b"{}"
    published_ms: int = 0
    record_key: bytes | None = b"key"

    def topic(self) -> str:
        return self.topic_name

    def partition(self) -> int:
        return self.partition_number

    def offset(self) -> int:
        return self.at

    def value(self) -> bytes | None:
        return self.payload

    def key(self) -> bytes | None:
        return self.record_key

    def timestamp(self) -> tuple[int, int]:
        return 1, self.published_ms
