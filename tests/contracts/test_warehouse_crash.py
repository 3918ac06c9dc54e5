"""The embedded process dies, stops, starts: what it acknowledged is there, once."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from http.client import HTTPException

import httpx
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from infra.embedded.warehouse.configuration import Folders
from infra.embedded.warehouse.engine import Engine
from infra.errors import PacelineError
from infra.migrate import migrate_warehouse
from infra.settings import Settings, child_environment
from infra.warehouse import insert_rows
from infra.warehouse_columns import WarehouseColumns
from schemas.tables import MEMBER_DAILY, Table
from tests.contracts.warehouses import Warehouse, embedded_warehouse, launch_of
from tests.running import answers, settings_in, temporary_home, wait_until

BATCH = 500
ACKED = Table("acked", "what these tests insert", "flow-store")
TABLE = (
    "CREATE TABLE IF NOT EXISTS acked (batch UInt64, id UInt64) ENGINE = ReplacingMergeTree ORDER BY (batch, id) "
    "SETTINGS non_replicated_deduplication_window = 10000"
)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of a warehouse of the test's own, not running."""
    with temporary_home() as home:
        yield settings_in(home)


class Writer(threading.Thread):
    """Inserts batch after batch as the product does, and tries a batch again until it is acknowledged."""

    def __init__(self, warehouse: Warehouse, first: int) -> None:
        super().__init__()
        self.warehouse = warehouse
        self.acknowledged: list[int] = []
        self.stopping = threading.Event()
        self._next = first

    def run(self) -> None:
        while not self.stopping.is_set():
            rows = pa.table({"batch": [self._next] * BATCH, "id": list(range(BATCH))})
            try:
                with self.warehouse.client() as client:
                    insert_rows(client, ACKED, rows)
            except (ClickHouseError, HTTPError, HTTPException, OSError):
                time.sleep(0.05)
                continue
            self.acknowledged.append(self._next)
            self._next += 1


def test_killing_it_during_inserts_loses_nothing_acknowledged_and_shows_nothing_twice(settings: Settings) -> None:
    warehouse = Warehouse(settings, embedded=True)
    writers = [Writer(warehouse, first) for first in (0, 1_000_000)]
    with embedded_warehouse(settings) as process:
        warehouse.post(TABLE)
        for writer in writers:
            writer.start()
        wait_until(lambda: min(len(w.acknowledged) for w in writers) > 5, "inserts flow")
        process.kill()
        process.wait()
    for _ in range(2):
        before = [len(writer.acknowledged) for writer in writers]
        with embedded_warehouse(settings) as process:
            wait_until(
                lambda before=before: all(len(w.acknowledged) > b + 3 for w, b in zip(writers, before, strict=True)),  # type: ignore[misc] - bound now
                "inserts flow again",
            )
            process.kill()
            process.wait()
    with embedded_warehouse(settings):
        wait_until(lambda: all(len(w.acknowledged) > 30 for w in writers), "the last retries succeed")
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join(10)
        counted = warehouse.client().query("SELECT batch, count() FROM acked FINAL GROUP BY batch").result_rows
    acknowledged = {batch for writer in writers for batch in writer.acknowledged}
    assert dict(counted) == dict.fromkeys(acknowledged, BATCH)


def test_rows_repeated_after_a_death_between_noting_the_insert_and_naming_its_part_are_there(settings: Settings) -> None:
    warehouse = Warehouse(settings, embedded=True)
    inserts = {month: pa.table({"day": [date(2026, month, 21)], "load": [float(month)]}) for month in (10, 11)}
    noted = {10: {"insert_deduplication_token": "one"}, 11: {}}
    with embedded_warehouse(settings) as process:
        migrate_warehouse(settings)
        with warehouse.client() as client:
            for month, rows in inserts.items():
                client.insert_arrow(MEMBER_DAILY.name, rows, settings=noted[month])
            asked = f"SELECT path FROM system.parts WHERE active AND table = '{MEMBER_DAILY.name}'"
            parts = [path for (path,) in client.query(asked).result_rows]
        process.kill()
        process.wait()
    assert len(parts) == 2
    for path in parts:
        shutil.rmtree(path)  # as if it had died 2 ms earlier
    with embedded_warehouse(settings), warehouse.client() as client:
        asked = f"SELECT load FROM {MEMBER_DAILY.view} ORDER BY day"
        for month, rows in inserts.items():
            client.insert_arrow(MEMBER_DAILY.name, rows, settings=noted[month])
        assert client.query(asked).result_rows == [], "the engine takes them for doubles: infra/decisions/0019"
        columns = WarehouseColumns(settings, "writer")
        for _ in range(2):
            for rows in inserts.values():
                columns.insert(MEMBER_DAILY, rows)
            assert client.query(asked).result_rows == [(10.0,), (11.0,)]
        columns.close()


def test_what_was_written_is_there_after_a_restart(settings: Settings) -> None:
    warehouse = Warehouse(settings, embedded=True)
    with embedded_warehouse(settings):
        warehouse.post(TABLE)
        warehouse.post("INSERT INTO acked VALUES (1, 1), (1, 2)", insert_deduplication_token="one")
    with embedded_warehouse(settings):
        warehouse.post("INSERT INTO acked VALUES (1, 1), (1, 2)", insert_deduplication_token="one")
        assert warehouse.post("SELECT * FROM acked", role="reader").text == "1\t1\n1\t2\n"


def test_it_stops_cleanly_and_answers_what_it_has_begun(settings: Settings) -> None:
    warehouse = Warehouse(settings, embedded=True)
    with embedded_warehouse(settings) as process:
        answer: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answer.append(warehouse.post("SELECT sleep(1)")))
        asking.start()
        time.sleep(0.4)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        asking.join()
    assert answer[0].text == "0\n"


def test_a_long_query_does_not_hold_up_its_stop(settings: Settings) -> None:
    warehouse = Warehouse(settings, embedded=True)
    with embedded_warehouse(settings) as process:
        long = "SELECT sum(sleepEachRow(1)) FROM numbers(50) SETTINGS max_block_size = 1"

        def ask() -> None:
            with suppress(httpx.HTTPError):
                warehouse.post(long)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        asking.join()


def test_a_second_process_on_the_same_folder_says_whom_to_stop(settings: Settings) -> None:
    with embedded_warehouse(settings) as first:
        second = subprocess.run(
            [sys.executable, "-m", "infra.cli", "warehouse", "serve"],
            env=child_environment(settings),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert f"Another warehouse process ({first.pid})" in second.stderr
        assert "Traceback" not in second.stderr
        assert answers(f"http://127.0.0.1:{settings.clickhouse_port}/ready")


def test_a_folder_that_is_no_warehouse_s_gives_a_sentence(settings: Settings) -> None:
    folders = Folders(settings.home / "warehouse")
    folders.root.mkdir()
    folders.data.write_text("not a folder")
    with pytest.raises(PacelineError):
        Engine(folders, 512)


def test_a_taken_port_ends_it_with_an_error(settings: Settings) -> None:
    import socket

    taken = settings.home / "taken.log"
    with socket.create_server(("127.0.0.1", settings.clickhouse_port)), taken.open("wb") as log:
        assert launch_of(settings).start(log).wait(20) == 1
    assert "PACELINE_CLICKHOUSE_PORT" in taken.read_text()


def test_it_listens_on_loopback_only(settings: Settings) -> None:
    import psutil

    with embedded_warehouse(settings) as process:
        listening = [c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


def test_it_is_ready_soon_and_small_when_idle(settings: Settings) -> None:
    import psutil

    started = time.monotonic()
    with embedded_warehouse(settings) as process:
        assert time.monotonic() - started < 15
        with suppress(psutil.Error):
            assert psutil.Process(process.pid).memory_info().rss < 500 * 1024 * 1024
