"""Each store is copied whole, from servers that others use meanwhile."""

import time
from pathlib import Path
from uuid import uuid4

import msgspec
import pyarrow.parquet as pq
import pytest

from infra.backup import control_plane, topics, warehouse_rows
from infra.backup.archive import new_archive
from infra.errors import PacelineError
from infra.kafka import open_producer
from infra.postgres import open_connection
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.alerts import Alert
from schemas.topics import ALERTS, session_key
from tests.infra.backup.test_archive import silent
from tests.push.samples import alert

pytestmark = pytest.mark.servers
MEMBERS = range(7_110_001, 7_110_008)
TOLD_MS = int(time.time() - 3_600) * 1_000
"""What is older than its topic keeps may be gone while it is copied."""


def test_slices_of_the_warehouse_hold_every_row_once_and_the_newest_of_it(warehouse_only: Settings, tmp_path: Path) -> None:
    session = str(uuid4())
    with open_client(warehouse_only, "writer") as client:
        for bpm in (90, 140):
            rows = ", ".join(
                f"({member}, '{session}', 5, '2026-{month:02}-01 10:00:0{second}', {bpm}, 'd', 's')"
                for member in MEMBERS
                for month in (3, 4)
                for second in range(3)
            )
            client.command(
                f"INSERT INTO telemetry_1s (member_id, session_id, class_id, ts, heart_rate_bpm, device, source) VALUES {rows}"
            )
    with new_archive(tmp_path / "copy") as (archive, _end):
        warehouse_rows.export(warehouse_only, archive, silent, slice_rows=10)
        file = archive.file("warehouse/telemetry_1s.parquet")
        copied = [row for row in pq.read_table(file).to_pylist() if str(row["session_id"]) == session]
        assert pq.ParquetFile(file).num_row_groups > 3
    keys = {(row["member_id"], row["ts"]) for row in copied}
    assert len(copied) == len(keys) == len(MEMBERS) * 2 * 3
    assert {row["heart_rate_bpm"] for row in copied} == {140}


def test_topics_are_copied_as_far_as_was_said_with_times_keys_and_headers(kafka_only: Settings, tmp_path: Path) -> None:
    session_id = str(uuid4())
    key = session_id.encode()
    before = _published(kafka_only, alert(1, session_id=session_id, state="cleared"))
    until = topics.places(kafka_only)
    _published(kafka_only, alert(2, session_id=session_id, state="cleared"))
    with new_archive(tmp_path / "copy") as (archive, _end):
        topics.export(kafka_only, archive, until, silent)
        copied = pq.read_table(archive.file("kafka/alerts.parquet")).to_pylist()
    [ours] = [row for row in copied if row["key"] == key]
    assert ours["value"] == before
    assert ours["at_ms"] == TOLD_MS
    assert ours["headers"] == [{"name": "event_id", "value": b"e-1"}]
    for place in until:
        if place.topic == ALERTS.name:
            offsets = [row["offset"] for row in copied if row["partition"] == place.partition]
            assert offsets == list(range(place.low, place.high))


def _published(settings: Settings, told: Alert) -> bytes:
    """An alert as flow `live` tells it: others read this topic too."""
    producer, value = open_producer(settings), msgspec.json.encode(told)
    producer.produce(ALERTS.name, value, session_key(told.session_id), headers=[("event_id", b"e-1")], timestamp=TOLD_MS)
    assert producer.flush(30) == 0
    return value


def test_while_the_moment_is_taken_nothing_is_owed_and_nothing_marked(postgres_only: Settings) -> None:
    with control_plane.nothing_owed_meanwhile(postgres_only), open_connection(postgres_only) as other:
        other.execute("SET lock_timeout = '50ms'")
        assert other.execute("SELECT count(*) FROM outbox").fetchone() is not None, "readers go on"
        with pytest.raises(Exception, match="lock timeout"):
            other.execute("UPDATE outbox SET fault = fault")


def test_tables_come_after_those_that_they_refer_to() -> None:
    order = control_plane._parents_first(["roster", "classes", "users"], [("roster", "classes"), ("classes", "users")])
    assert order == ["users", "classes", "roster"]
    with pytest.raises(PacelineError, match="in a circle: a, b"):
        control_plane._parents_first(["a", "b"], [("a", "b"), ("b", "a")])
