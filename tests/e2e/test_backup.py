"""A backup while a class runs; the house destroyed, restored and started: same answers, and the doctor looks.

That a house stopped and started as it is goes on, tests/upgrade and tests/crash show.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from infra.kafka import cluster_id, open_admin
from infra.postgres import open_connection
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.tables import MEMBER_DAILY, TABLES
from schemas.topics import ALERTS, Topic
from tests.e2e.conftest import POLLED, House, run_command, up
from tests.e2e.straps import Straps
from tests.running import settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers
MEMBERS = 4


@dataclass
class Restored:
    """A house that was destroyed and brought back, and what was known before."""

    house: House
    first_log: str
    ended: str
    sent: int
    before: dict[str, Any]
    running: str
    copy: Path


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    """Runs; a class that was not over is still on."""
    with temporary_home() as home, temporary_home() as aside:
        settings, copy = settings_in(home, **POLLED), aside / "copy"
        with up(settings):
            seeded = json.loads(run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json").stdout)
            house = House(settings, seeded)
            ended, sent = _one_class_held(house)
            answers = _answers(house, ended)
            running, straps = _one_that_runs(house)
            taken = house.run("backup", str(copy))
            straps.stop()
            assert taken.returncode == 0, taken.stderr
            assert "All that was acknowledged before" in taken.stdout
            before = Restored(house, cluster_id(settings), ended, sent, answers, running, copy)
        shutil.rmtree(home)
        home.mkdir(mode=0o755)
        back = run_command(settings, "restore", str(copy))  # its ports; its secrets come back from the backup
        assert back.returncode == 0, back.stderr
        assert "is now what the other was" in back.stdout
        with up(settings):
            yield before


def test_a_destroyed_house_gives_the_same_answers_after_its_restore(restored: Restored) -> None:
    assert cluster_id(restored.house.settings) != restored.first_log
    assert _answers(restored.house, restored.ended) == restored.before
    assert len(restored.before["v_telemetry_raw"]) == restored.sent
    assert restored.running != restored.ended


def test_the_class_that_ran_goes_on_after_a_restore(restored: Restored) -> None:
    _the_class_goes_on(restored.house, restored.running)


def test_a_house_with_anything_in_it_takes_no_restore(restored: Restored) -> None:
    refused = restored.house.run("restore", str(restored.copy))
    assert refused.returncode == 1
    assert "Paceline already runs" in refused.stderr


def test_the_doctor_names_what_was_broken_and_how_to_mend_it(restored: Restored) -> None:
    house = restored.house
    wait_until(lambda: _is_well(house), "the doctor finds nothing but what is the machine's")
    secret = house.settings.home / "secrets" / "paceline_jwt_secret"
    secret.chmod(0o644)
    _alter(house.settings, ALERTS, "retention.ms", "60000")
    with open_connection(house.settings) as connection:
        connection.execute("UPDATE users SET active = false WHERE role = 'trainer'")
    found = {finding["problem"]: finding["remedy"] for finding in _examined(house, 1)["findings"]}
    assert any("paceline_jwt_secret can be read" in problem for problem in found)
    assert any("Topic alerts has retention.ms=60000 instead of" in problem for problem in found)
    assert any("no active trainer" in problem and "users add" in remedy for problem, remedy in found.items())
    with open_connection(house.settings) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    worst = _examined(house, 2)["findings"][0]
    assert worst["level"] == "broken"
    assert "shape 0001, this release needs" in worst["problem"]


def _is_well(house: House) -> bool:
    """A house that is slow to come up has a slow live path for a while."""
    found = _examined(house, 0, 1, 2)
    print(found["findings"])  # noqa: T201 - pytest shows it with a failed test
    return found["verdict"] != "broken" and {finding["about"] for finding in found["findings"]} <= {"disk", "memory"}


def _examined(house: House, *codes: int) -> dict[str, Any]:
    told = house.run("doctor", "--json")
    assert told.returncode in codes, told.stdout + told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _alter(settings: Settings, topic: Topic, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    admin = open_admin(settings)
    for answer in admin.incremental_alter_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=[entry])]
    ).values():
        answer.result(10)


def _one_class_held(house: House) -> tuple[str, int]:
    """Its session, and how many values were sent in it."""
    people = [member["id"] for member in house.seeded["members"]]
    with house.signed_in() as trainer:
        ended = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
        straps = Straps(house.settings.gateway_url, house.seeded["device_token"], dict.fromkeys(people, 140))
        straps.start()
        wait_until(lambda: straps.sent >= 4 * len(people), "four seconds of class")
        straps.stop()
        trainer.post(f"/api/v1/sessions/{ended}/notes", json={"text": "Well done.", "note_type": "coaching"}).raise_for_status()
        trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
        wait_until(lambda: trainer.get(f"/api/v1/sessions/{ended}/summary").is_success, "the summary is written")
        wait_until(lambda: _stored(house.settings, ended, "v_telemetry_raw") == straps.sent, "every value is stored")
    with open_client(house.settings, "writer") as client:  # as Dagster does at night
        client.command(f"INSERT INTO {MEMBER_DAILY.name} (member_id, day, load) VALUES ({people[0]}, '2026-11-20', 41.5)")
    return ended, straps.sent


def _one_that_runs(house: House) -> tuple[str, Straps]:
    people = [member["id"] for member in house.seeded["members"]]
    with house.signed_in() as trainer:
        running = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
    straps = Straps(house.settings.gateway_url, house.seeded["device_token"], dict.fromkeys(people, 140))
    straps.start()
    wait_until(lambda: straps.sent >= 3 * len(people), "three seconds")
    wait_until(lambda: _seconds(house.settings, running), "its first seconds are stored")
    return running, straps


def _seconds(settings: Settings, session_id: str) -> int:
    return _stored(settings, session_id, "v_telemetry_1s")


def _stored(settings: Settings, session_id: str, view: str) -> int:
    with open_client(settings, "analyst") as client:
        found = client.query(f"SELECT count() FROM {view} WHERE session_id = '{session_id}'").result_rows
    return int(found[0][0])


def _answers(house: House, session_id: str) -> dict[str, Any]:
    """What REST and the reader views say about a class that is over."""
    asked = (f"sessions/{session_id}/summary", f"sessions/{session_id}/alerts", f"sessions/{session_id}/events", "me", "users")
    with house.signed_in() as trainer, house.signed_in("admin") as admin:
        said = {path: (admin if path == "users" else trainer).get(f"/api/v1/{path}").json() for path in asked}
        member = house.seeded["members"][0]["id"]
        said["series"] = trainer.get(
            f"/api/v1/members/{member}/series", params={"session_id": session_id, "metric": "heart_rate_bpm", "step_s": 1}
        ).json()
    with open_client(house.settings, "analyst") as client:
        for table in TABLES:
            of_session = "" if table is MEMBER_DAILY else f"WHERE session_id = '{session_id}'"
            said[table.view] = client.query(f"SELECT * FROM {table.view} {of_session} ORDER BY ALL").result_rows
    assert said["v_telemetry_1s"]
    assert said["v_member_summaries"]
    assert said["v_member_daily"]
    return said


def _the_class_goes_on(house: House, running: str) -> None:
    """Its seconds before the backup count together with those after the restore."""
    stored = _seconds(house.settings, running)
    assert stored
    people = [member["id"] for member in house.seeded["members"]]
    straps = Straps(house.settings.gateway_url, house.seeded["device_token"], dict.fromkeys(people, 150))
    straps.start()
    wait_until(lambda: _seconds(house.settings, running) > stored, "new seconds are stored")
    straps.stop()
    with house.signed_in("admin") as trainer:
        live = trainer.get(f"/api/v1/live/sessions/{running}").json()
        assert "ended_at_ms" not in live["session"]
        trainer.post(f"/api/v1/classes/{live['session']['class_id']}/end").raise_for_status()
        wait_until(lambda: trainer.get(f"/api/v1/sessions/{running}/summary").is_success, "the summary is written")
        wait_until(lambda: _seen(house.settings, running) == _seconds(house.settings, running), "both parts are in it")


def _seen(settings: Settings, session_id: str) -> int:
    with open_client(settings, "analyst") as client:
        asked = f"SELECT sum(seconds_seen) FROM v_member_summaries WHERE session_id = '{session_id}'"
        return int(client.query(asked).result_rows[0][0])
