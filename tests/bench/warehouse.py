"""The embedded warehouse: inserts, reads, start, size, and the analyst's questions over a long history.

The questions are those of docs/questions, asked as the analyst over HTTP. Their history (PACELINE_BENCH_ROWS seconds, 100 M by
default) takes minutes to make and is kept under `build` for the next run.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.migrate import migrate_warehouse
from infra.settings import Settings
from infra.warehouse import insert_rows, open_client
from schemas.tables import TELEMETRY_1S
from tests.bench import history
from tests.bench.figures import Figure, median_figure, percentile, usage_of
from tests.contracts.warehouses import embedded_warehouse
from tests.running import ROOT, settings_in, temporary_home, wait_until

READ_ROWS = 10_000_000
QUESTION_ROWS = int(os.environ.get("PACELINE_BENCH_ROWS", "100000000"))
QUESTIONS = ROOT / "docs" / "questions"
ASKED, ASKED_OFTEN = 20, 100
QUESTION_GOAL_MS = 300.0
SERIES = """SELECT ts, heart_rate_bpm, power_watts FROM v_telemetry_1s
WHERE member_id = {member_id:UInt64} AND session_id = {session_id:UUID} ORDER BY ts"""
TILE = """SELECT member_id, avg(heart_rate_bpm), avg(power_watts) FROM v_telemetry_1s
WHERE class_id = {class_id:UInt64} AND ts > {now:DateTime} - 60 AND ts <= {now:DateTime} GROUP BY member_id"""
ROLLUP = """SELECT count(), max(average) FROM (SELECT member_id, toStartOfMinute(ts) AS minute, avg(heart_rate_bpm) AS average
FROM telemetry_1s GROUP BY member_id, minute)"""


def measure() -> Iterator[Figure]:
    with temporary_home() as home:
        yield from _small(settings_in(home))
    yield from _long_history()


def _small(settings: Settings) -> Iterator[Figure]:
    """Figures whose goals are stated for an idle server, for inserts, and for ten million seconds."""
    with embedded_warehouse(settings) as process:
        migrate_warehouse(settings)
        with open_client(settings, "writer", send_receive_timeout=600) as client:
            time.sleep(1)
            yield Figure("memory of the idle warehouse (RSS)", _resident_mb(process.pid), "MB", 400, "lower")
            yield from _inserts(client, process.pid)
            client.command("TRUNCATE TABLE telemetry_1s")
            for _written in history.write_seconds(client, READ_ROWS):
                pass
            yield from _reads(settings, client, process.pid)
            yield from _shape(client)


def _inserts(client: Client, pid: int) -> Iterator[Figure]:
    for rows, runs in ((1_000, 60), (10_000, 40)):
        batches = [_batch(number, rows) for number in range(runs)]
        before = usage_of(pid)
        took = [_timed(partial(insert_rows, client, TELEMETRY_1S, batch)) for batch in batches]
        goal = 50 if rows == 10_000 else None
        used = usage_of(pid) - before
        cost = f"{used.cpu_s / rows / runs * 1e6:.2f} µs of processor time a row"
        yield Figure(f"insert of {rows:,} rows, p95", percentile(took, 0.95) * 1000, "ms", goal, "lower", usage=used, note=cost)
    yield Figure("rows inserted, one writer", 10_000 / statistics.median(took), "rows/s", 300_000, "higher")


def _reads(settings: Settings, client: Client, pid: int) -> Iterator[Figure]:
    """On ten million seconds, merged as background merges leave it: what they still do is not the reads' time."""
    wait_until(partial(_at_rest, pid), "what the writing left to merge is merged")
    session = history.sessions_of(READ_ROWS) // 2
    started = client.query(
        "SELECT min(ts), max(ts) FROM telemetry_1s WHERE session_id = {s:UUID}", parameters={"s": history.session_id(session)}
    ).first_row
    now = int(started[0].replace(tzinfo=UTC).timestamp()) + 1_500
    series = {"member_id": history.member_of(session, 3), "session_id": history.session_id(session)}
    tile = {"class_id": session % history.CLASSES + 1, "now": datetime.fromtimestamp(now, UTC)}
    with open_client(settings, "reader", query_limit=0) as reader:
        for name, sql, parameters, share, goal in (
            ("SELECT 1, p50", "SELECT 1", {}, 0.5, 3.0),
            ("series of a member's class, p95", SERIES, series, 0.95, 40.0),
            ("tile of a class, last 60 s, p95", TILE, tile, 0.95, 100.0),
            ("roll-up of all 10 M seconds, p50", ROLLUP, {}, 0.5, 500.0),
        ):
            asked = ASKED_OFTEN if "roll-up" not in name else 5
            before = usage_of(pid)
            took = [_timed(partial(reader.query, sql, parameters=parameters)) for _ in range(asked)]
            used = usage_of(pid) - before
            note = f"{used.cpu_s / asked * 1000:.1f} ms of processor time each"
            yield Figure(name, percentile(took, share) * 1000, "ms", goal, "lower", usage=used, note=note)
    yield _tile_under_load(settings, tile)


def _tile_under_load(settings: Settings, tile: dict[str, object]) -> Figure:
    """Four readers ask for tiles while four writers insert a thousand rows ten times a second."""
    took: list[float] = []
    until = time.monotonic() + 10

    def read() -> None:
        with open_client(settings, "reader", query_limit=0) as client:
            while time.monotonic() < until:
                took.append(_timed(partial(client.query, TILE, parameters=tile)))

    def write(writer: int) -> None:
        with open_client(settings, "writer") as client:
            number = 0
            while time.monotonic() < until:
                insert_rows(client, TELEMETRY_1S, _batch(1_000_000 + writer * 10_000 + number, 1_000))
                number += 1
                time.sleep(0.1)

    threads = [threading.Thread(target=read) for _ in range(4)] + [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Figure(
        "the same with 4 readers and 4 writers, p95",
        percentile(took, 0.95) * 1000,
        "ms",
        350,
        "lower",
        note=f"{len(took)} asked",
    )


def _shape(client: Client) -> Iterator[Figure]:
    parts, rows, size = client.query(
        "SELECT count(), sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'telemetry_1s'"
    ).first_row
    yield Figure("active parts of the seconds", parts, "", 100, "lower")
    yield Figure(
        "a member-second on disk", size / rows, "bytes", 6, "lower", note="made-up values compress better than measured ones"
    )


def _long_history() -> Iterator[Figure]:
    home = ROOT / "build" / f"warehouse-{QUESTION_ROWS}"
    home.mkdir(parents=True, exist_ok=True)
    settings = settings_in(home)
    with embedded_warehouse(settings):
        migrate_warehouse(settings)
        _complete(settings)
    yield median_figure(
        f"ready with {QUESTION_ROWS / 1e6:.0f} M seconds", "s", 2, "lower", [_start_s(settings) for _ in range(3)]
    )
    with embedded_warehouse(settings) as process, open_client(settings, "analyst", query_limit=0) as client:
        month = "2026-08-01"
        session = history.sessions_of(QUESTION_ROWS) * 2 // 3
        values = {"member_id": history.member_of(session, 7), "session_id": history.session_id(session), "month": month}
        worst: list[float] = []
        for file in sorted(QUESTIONS.glob("*.sql")):
            figure = _ask(client, process.pid, file, values)
            worst.append(figure.value)
            yield figure
        yield Figure(
            f"slowest of the questions over {QUESTION_ROWS / 1e6:.0f} M seconds", max(worst), "ms", QUESTION_GOAL_MS, "lower"
        )


def _ask(client: Client, pid: int, file: Path, values: dict[str, object]) -> Figure:
    sql = file.read_text()
    answer = client.query(sql, parameters=values)
    before = usage_of(pid)
    took = [_timed(partial(client.query, sql, parameters=values)) for _ in range(ASKED)]
    used = usage_of(pid) - before
    cost_ms = used.cpu_s / ASKED * 1000
    note = f"{answer.row_count} rows; p50 {statistics.median(took) * 1000:.0f} ms, {cost_ms:.0f} ms of processor time"
    return Figure(
        f"question {file.stem}, p95", percentile(took, 0.95) * 1000, "ms", QUESTION_GOAL_MS, "lower", usage=used, note=note
    )


def _complete(settings: Settings) -> None:
    """Make what is missing of the history; an interrupted making goes on where it stopped."""
    with open_client(settings, "writer", send_receive_timeout=3_600) as client:
        whole = history.sessions_of(QUESTION_ROWS)
        [there] = client.query("SELECT uniqExact(session_id) FROM telemetry_1s").first_row
        for _written in history.write_seconds(client, QUESTION_ROWS, there):
            pass
        if client.query("SELECT count() FROM alerts").first_row[0] < whole * history.CLASS_SIZE:
            history.write_results(client)
        for (partition,) in client.query(
            "SELECT partition FROM system.parts WHERE active AND table = 'telemetry_1s' GROUP BY partition HAVING count() > 1"
        ).result_rows:
            client.command(f"OPTIMIZE TABLE telemetry_1s PARTITION {partition} FINAL")  # what a quiet night does


def _start_s(settings: Settings) -> float:
    began = time.monotonic()
    with embedded_warehouse(settings):
        return time.monotonic() - began


def _batch(number: int, rows: int) -> pa.Table:
    """Seconds of so many members at once, as the store flow writes them."""
    members = range(1, rows + 1)
    none = [None] * rows
    return pa.table(
        {
            "member_id": pa.array(members, pa.uint64()),
            "session_id": pa.array([history.session_id(m // 40) for m in members]),
            "class_id": pa.array([m // 40 for m in members], pa.uint64()),
            "ts": pa.array([1_790_000_000 + number] * rows, pa.timestamp("s", "UTC")),
            "heart_rate_bpm": pa.array([110 + (m * 7 + number) % 60 for m in members], pa.uint8()),
            "power_watts": pa.array([120 + (m * 13 + number) % 150 for m in members], pa.uint16()),
            "cadence_rpm": pa.array([80.0 + (m + number) % 15 for m in members], pa.float32()),
            "speed_mps": pa.array(none, pa.float32()),
            "distance_m": pa.array(none, pa.float32()),
            "altitude_m": pa.array(none, pa.float32()),
            "device": pa.array([f"strap-{m}" for m in members]),
            "source": pa.array(["heart_rate_monitor"] * rows),
        }
    )


def _at_rest(pid: int) -> bool:
    before = usage_of(pid)
    time.sleep(1)
    return (usage_of(pid) - before).cpu_s < 0.05


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024
