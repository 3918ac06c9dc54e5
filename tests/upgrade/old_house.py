"""Lays down what an older release kept (`keep.py`): its tables with their rows, its topics with their messages.

Days are moved so that all of it was in the last 24 hours: tables and topics forget what is too old, and flows wait for what is
still to come.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka.admin import NewTopic
from psycopg import sql

from infra.kafka import open_admin, open_producer
from infra.postgres import open_connection
from infra.settings import Settings
from infra.warehouse import open_client
from tests.upgrade.keep import NEXT

DAY_S = 86_400
DAY_TEXT = re.compile(r"\b20[23]\d-[01]\d-[0-3]\d(?=\b|T)")
EPOCH = re.compile(r"(?<![\w.])1[789]\d{8}(?:\d{3})?(?![\w.])")
"""Seconds or milliseconds since 1970, of the years 2023 to 2033."""
INSERT = re.compile(r"INSERT INTO (\w+) FORMAT JSONEachRow\n", re.ASCII)


class OldHouse:
    """What one folder keeps, moved by whole days to the last 24 hours before `now`."""

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._folder = folder
        newest_ms = max(json.loads(line)["at_ms"] for line in (folder / "messages.jsonl").read_text().splitlines())
        self._days = ((now or datetime.now(UTC)) - datetime.fromtimestamp(newest_ms / 1_000, UTC)).days
        self.kept: dict[str, Any] = json.loads(self.read("answers.json"))

    def read(self, name: str) -> str:
        """A file, every day and time in it moved."""
        return moved((self._folder / name).read_text(), self._days)

    def lay_warehouse(self, settings: Settings) -> None:
        """Tables, views and rows, as the writer had made them."""
        client = open_client(settings, "writer")
        for statement in self.read("warehouse.sql").split(NEXT):
            if found := INSERT.match(statement):
                client.raw_insert(found[1], insert_block=statement[found.end() :].encode(), fmt="JSONEachRow")
            else:
                client.command(statement)

    def lay_postgres(self, settings: Settings) -> None:
        """As `pg_dump` wrote it."""
        with open_connection(settings) as connection:
            connection.execute(sql.SQL(self.read("postgres.sql")))  # type: ignore[arg-type]  # our own file

    def lay_topics(self, settings: Settings) -> int:
        """Topics as they were made, and their messages; returns how many those are."""
        admin: Any = open_admin(settings)
        topics = json.loads(self.read("topics.json"))
        made = admin.create_topics([NewTopic(t["name"], t["partitions"], 1, config=t["config"]) for t in topics])
        for future in made.values():
            future.result(timeout=30)
        producer, count = open_producer(settings), 0
        for line in self.read("messages.jsonl").splitlines():
            message = json.loads(line)
            producer.produce(
                message["topic"],
                message["value"].encode(),
                message["key"].encode(),
                partition=message["partition"],
                timestamp=message["at_ms"],  # flows read the topics side by side, in this order
                headers=message["headers"],
            )
            count += 1
        assert producer.flush(30) == 0
        return count


def moved(text: str, days: int) -> str:
    """The same text that many days later."""

    def later(found: re.Match[str]) -> str:
        digits = found[0]
        return str(int(digits) + days * DAY_S * (1_000 if len(digits) == 13 else 1))

    dated = DAY_TEXT.sub(lambda found: str(date.fromisoformat(found[0]) + timedelta(days)), text)
    return EPOCH.sub(later, dated)
