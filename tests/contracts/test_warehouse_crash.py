"""The embedded process dies, stops, starts: what it acknowledged is there, once."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException

import httpx
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from infra.embedded.warehouse.configuration import Folders
from infra.embedded.warehouse.engine import Engine
from infra.errors import PacelineError
from infra.settings import Settings, child_environment
from tests.contracts.warehouses import Warehouse, embedded_warehouse, launch_of
from tests.running import answers, settings_in, temporary_home, wait_until

BATCH = 500
TABLE = (
    "CREATE TABLE IF NOT EXISTS acked (batch UInt64, id UInt64) ENGINE = MergeTree ORDER BY (batch, id) "
    "SETTINGS non_replicated_deduplication_window = 10000"
)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of a warehouse of the test's own, not running."""
    with temporary_home() as home:
        yield settings_in(home)


class Writer(threading.Thread):
    """Inserts batch after batch, each with its token, and tries a batch again until it is acknowledged."""

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
                    client.insert_arrow("acked", rows, settings={"insert_deduplication_token": f"batch-{self._next}"})
            except (ClickHouseError, HTTPError, HTTPException, OSError):
                time.sleep(0.05)
                continue
            self.acknowledged.append(self._next)
            self._next += 1


def test_killing_it_during_inserts_loses_nothing_acknowledged_and_doubles_nothing(settings: Settings) -> None:
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
        counted = warehouse.client().query("SELECT batch, count() FROM acked GROUP BY batch").result_rows
    acknowledged = {batch for writer in writers for batch in writer.acknowledged}
    assert dict(counted) == dict.fromkeys(acknowledged, BATCH)


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
