"""What `paceline backup` took while a class ran is there after the house was destroyed: same answers, and the class goes on."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kafka import cluster_id
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.tables import TABLES
from tests.e2e.conftest import POLLED, House, run_command, up
from tests.e2e.straps import Straps
from tests.running import settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers
MEMBERS = 4


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """A home, and a place beside it for the backup."""
    with temporary_home() as home, temporary_home() as aside:
        yield home, aside / "copy"


def test_a_destroyed_house_comes_back_from_its_backup(folders: tuple[Path, Path]) -> None:
    home, copy = folders
    settings = settings_in(home, **POLLED)
    with up(settings):
        seeded = json.loads(run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json").stdout)
        house = House(settings, seeded)
        ended, running, straps = _one_class_ended_and_one_that_runs(house)
        taken = house.run("backup", str(copy))
        straps.stop()
        assert taken.returncode == 0, taken.stderr
        assert "All that was acknowledged before" in taken.stdout
        first_log = cluster_id(settings)
        wait_until(lambda: _seconds(settings, running), "the second class is stored")
        before = _answers(house, ended)
    shutil.rmtree(home)
    home.mkdir(mode=0o755)

    bare = settings.model_copy()  # its ports; its secrets come back from the backup
    back = run_command(bare, "restore", str(copy))
    assert back.returncode == 0, back.stderr
    assert "is now what the other was" in back.stdout
    assert run_command(bare, "restore", str(copy)).stderr.startswith("Error: This installation is not empty")
    with up(bare):
        assert cluster_id(settings) != first_log
        assert _answers(house, ended) == before
        _the_class_goes_on(house, running)


def _one_class_ended_and_one_that_runs(house: House) -> tuple[str, str, Straps]:
    other_id = next(c["id"] for c in house.seeded["classes"] if c["class_type"] != "spin")
    people = [member["id"] for member in house.seeded["members"]]
    with house.signed_in() as trainer:
        ended = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
        straps = Straps(house.settings.gateway_url, house.seeded["device_token"], dict.fromkeys(people, 140))
        straps.start()
        wait_until(lambda: straps.sent >= 4 * len(people), "four seconds of class")
        trainer.post(f"/api/v1/sessions/{ended}/notes", json={"text": "Well done.", "note_type": "coaching"}).raise_for_status()
        trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
        wait_until(lambda: trainer.get(f"/api/v1/sessions/{ended}/summary").is_success, "the summary is written")
        running = trainer.post(f"/api/v1/classes/{other_id}/start").raise_for_status().json()["session_id"]
        roster = trainer.get(f"/api/v1/classes/{other_id}").json()["roster"]
        present = straps.sent
        wait_until(lambda: straps.sent >= present + 3 * len(people), "three more seconds")
    assert {member["id"] for member in house.seeded["members"]} & {person["member_id"] for person in roster}
    return ended, running, straps


def _seconds(settings: Settings, session_id: str) -> int:
    with open_client(settings, "analyst") as client:
        found = client.query(f"SELECT count() FROM v_telemetry_1s WHERE session_id = '{session_id}'").result_rows
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
            rows = client.query(f"SELECT * FROM {table.view} WHERE session_id = '{session_id}' ORDER BY ALL").result_rows
            said[table.view] = rows
    assert said["v_telemetry_1s"]
    assert said["v_member_summaries"]
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
    with house.signed_in() as trainer:
        live = trainer.get(f"/api/v1/live/sessions/{running}").json()
        assert live["session"]["state"] == "active"
        trainer.post(f"/api/v1/classes/{live['session']['class_id']}/end").raise_for_status()
        wait_until(lambda: trainer.get(f"/api/v1/sessions/{running}/summary").is_success, "the summary is written")
        wait_until(lambda: _seen(house.settings, running) == _seconds(house.settings, running), "both parts are in it")


def _seen(settings: Settings, session_id: str) -> int:
    with open_client(settings, "analyst") as client:
        asked = f"SELECT sum(seconds_seen) FROM v_member_summaries WHERE session_id = '{session_id}'"
        return int(client.query(asked).result_rows[0][0])
