"""A house that the release before kept starts with this one: every row and every answer is as it was, and a class can be held.

`release_before` was written by that release itself; before the next release's schema changes, write it anew (`keep.py`).
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.embedded.launch import Launch
from infra.embedded.postgres import EmbeddedPostgres
from infra.migrate import newest_control_plane_revision, newest_warehouse_version
from infra.postgres import open_connection
from infra.processes import embedded_kafka, flow_port
from infra.settings import Settings, child_environment
from infra.topic_settings import topic_drift
from infra.warehouse import open_client
from schemas.tables import TABLES
from schemas.topics import APP_EVENTS, DEVICE_EVENTS, TOPICS
from tests.e2e.conftest import COMMAND, POLLED, up
from tests.e2e.straps import Straps
from tests.running import PLAIN, Servers, answers, settings_in, temporary_home, wait_until
from tests.upgrade.keep import NEXT
from tests.upgrade.old_house import INSERT, OldHouse, moved

FOLDER = Path(__file__).with_name("release_before")


class OldServers(Servers):
    """The three servers, each started with nothing in it and given what the old house held."""

    def __init__(self, settings: Settings, old: OldHouse) -> None:
        super().__init__(settings)
        self._old = old

    def kafka(self) -> None:
        kafka = embedded_kafka(self.settings)
        kafka.prepare()
        self._run(kafka.launch(), kafka.ready, "kafka")
        self._old.lay_topics(self.settings)

    def postgres(self) -> None:
        postgres = EmbeddedPostgres(self.settings.home, self.settings.postgres_socket_dir)
        postgres.prepare()
        self._run(postgres.launch(), postgres.ready, "postgres", stop=signal.SIGINT)
        self._old.lay_postgres(self.settings)

    def warehouse(self) -> None:
        launch = Launch([*COMMAND, "warehouse", "serve"], child_environment(self.settings), self.settings.home)
        self._run(launch, lambda: answers(f"http://127.0.0.1:{self.settings.clickhouse_port}/ping"), "warehouse")
        self._old.lay_warehouse(self.settings)


@dataclass
class Upgraded:
    """This release, running on the old house's data."""

    settings: Settings
    old: OldHouse
    trainer: httpx.Client

    @property
    def session_id(self) -> str:
        return str(self.old.kept["session_id"])

    def log_is_read(self) -> bool:
        """Flows without a memory begin at the first message, and tell again what was told."""
        messages = [json.loads(line) for line in self.old.read("messages.jsonl").splitlines()]
        events = sum(message["topic"] in {DEVICE_EVENTS.name, APP_EVENTS.name} for message in messages)
        kept = [self.metric(flow, "paceline_flow_events_total", exit="kept") for flow in ("store", "live")]
        summaries = self.metric("live", "paceline_store_rows_total", table="class_summaries")
        return min(kept) >= events and summaries >= 1

    def metric(self, flow: str, name: str, **labels: str) -> float:
        url = f"http://127.0.0.1:{flow_port(self.settings, flow, 0)}/metrics"
        text = httpx.get(url, trust_env=False, verify=PLAIN).text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with open_client(self.settings, "analyst") as analyst:
            return [tuple(row) for row in analyst.query(sql).result_rows]


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    old = OldHouse(FOLDER)
    with temporary_home() as home:
        settings = settings_in(home, **POLLED)
        servers = OldServers(settings, old)
        try:
            servers.start(servers.kafka, servers.postgres, servers.warehouse)
        finally:
            servers.stop()
        with up(settings), httpx.Client(base_url=settings.api_url, timeout=30, trust_env=False) as trainer:
            signed_in = trainer.post("/api/v1/auth/login", json=old.kept["trainer"]).raise_for_status().json()
            trainer.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
            upgraded = Upgraded(settings, old, trainer)
            wait_until(
                upgraded.log_is_read, "both flows have read the old log, and the summary is written once more", pause_s=0.3
            )
            yield upgraded


@pytest.mark.servers
def test_all_three_stores_have_this_releases_shape(upgraded: Upgraded) -> None:
    with open_connection(upgraded.settings) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_control_plane_revision(),)]
    with open_client(upgraded.settings, "writer") as writer:
        assert writer.query("SELECT max(version) FROM schema_versions").result_rows == [(newest_warehouse_version(),)]
    assert {topic["name"] for topic in json.loads(upgraded.old.read("topics.json"))} <= {topic.name for topic in TOPICS}
    assert topic_drift(upgraded.settings) == []


@pytest.mark.servers
def test_every_row_of_every_table_is_there_once(upgraded: Upgraded) -> None:
    """Also after the flows, which have no memory of the old house, have read the whole old log once more."""
    kept = _kept_rows(upgraded.old)
    assert {"telemetry_raw", "telemetry_1s", "member_summaries", "class_summaries", "alerts", "app_events"} <= kept.keys()
    for table in [table for table in TABLES if table.name in kept]:
        names = ", ".join(f"toString({name})" for name in KEYS[table.name])
        found = Counter(upgraded.rows(f"SELECT {names} FROM {table.view}"))
        assert found == Counter(tuple(str(row[name]) for name in KEYS[table.name]) for row in kept[table.name]), table.view


@pytest.mark.servers
def test_every_answer_is_as_it_was(upgraded: Upgraded) -> None:
    for path, told in upgraded.old.kept["told"].items():
        assert told, f"the old release told nothing at {path}"
        assert _missing(told, upgraded.trainer.get(path).raise_for_status().json()) == [], path


@pytest.mark.servers
def test_a_class_is_held_on_it_with_the_old_tokens(upgraded: Upgraded) -> None:
    kept, trainer = upgraded.old.kept, upgraded.trainer
    session_id = trainer.post(f"/api/v1/classes/{kept['spin_id']}/start").raise_for_status().json()["session_id"]
    straps = Straps(upgraded.settings.gateway_url, kept["device_token"], dict.fromkeys(kept["members"], 130))
    straps.start()
    wait_until(lambda: straps.sent >= 5 * len(kept["members"]), "five seconds of class")
    straps.stop()
    trainer.post(f"/api/v1/classes/{kept['spin_id']}/end").raise_for_status()
    wait_until(lambda: trainer.get(f"/api/v1/sessions/{session_id}/summary").is_success, "its summary", pause_s=0.3)
    summary = trainer.get(f"/api/v1/sessions/{session_id}/summary").json()
    assert summary["attendance"]["actual"] == len(kept["members"])


def test_what_is_kept_is_moved_to_today_in_days_and_in_both_kinds_of_numbers() -> None:
    text = '{{"at":"2026-11-{}T18:00:00Z","ms":{}000123,"s":"a:{}000","n":179528400012345,"x":0.1795284000}}'
    assert moved(text.format(21, 1_795_284, 1_795_284), 2) == text.format(23, 1_795_284 + 172, 1_795_284 + 172).replace(
        "456000", "456800"
    )
    late, early = (datetime.fromisoformat(f"2030-01-02T{hour}Z") for hour in ("23:59", "00:01"))
    assert OldHouse(FOLDER, late).kept["kept_at"] == "2030-01-02"
    assert OldHouse(FOLDER, early).kept["kept_at"] == "2030-01-01"  # what it kept was at six in the evening


KEYS = {
    "telemetry_raw": ("member_id", "session_id", "metric", "ts", "device", "seq"),
    "telemetry_1s": ("member_id", "session_id", "ts"),
    "app_events": ("event_id",),
    "member_minutes": ("session_id", "member_id", "minute"),
    "alerts": ("alert_id",),
    "member_summaries": ("session_id", "member_id"),
    "class_summaries": ("session_id",),
    "summary_corrections": ("session_id", "revision"),
}


def _kept_rows(old: OldHouse) -> dict[str, list[dict[str, Any]]]:
    """By table, each key once: what a view shows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in old.read("warehouse.sql").split(NEXT):
        if (insert := INSERT.match(statement)) and insert[1] in KEYS:
            rows = [json.loads(line) for line in statement[insert.end() :].splitlines()]
            found[insert[1]] = list({tuple(row[name] for name in KEYS[insert[1]]): row for row in rows}.values())
    return found


def _missing(told: Any, now: Any, path: str = "") -> list[str]:
    """What was told and is told otherwise now, or not at all; more may be told."""
    if isinstance(told, dict) and isinstance(now, dict):
        return [lost for name, value in told.items() for lost in _missing(value, now.get(name), f"{path}.{name}")]
    if isinstance(told, list) and isinstance(now, list) and len(told) == len(now):
        return [lost for at, (a, b) in enumerate(zip(told, now, strict=True)) for lost in _missing(a, b, f"{path}[{at}]")]
    if isinstance(told, float) and isinstance(now, int | float):
        return [] if abs(told - now) <= 1e-9 * max(1.0, abs(told)) else [f"{path}: {told} was told, now {now}"]
    return [] if told == now else [f"{path}: {told!r} was told, now {now!r}"]
