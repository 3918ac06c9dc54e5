"""The demo's club, and the commands that work on people without the API."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from typer.testing import CliRunner

import api.directory.seed_people as club
from api.desk import Desk
from infra.cli import build
from infra.errors import PacelineError
from infra.settings import Settings, child_environment
from schemas.directory import Participant
from tests.api.running_api import QUICK_PASSWORDS, MovableClock, RunningApi, own_database
from tests.running import ROOT


def test_the_people_of_the_demo_are_many_and_different() -> None:
    assert len(club.MEMBERS) >= 40
    addresses = [person.email for person in club.MEMBERS] + [club.address_of(name) for _role, name in club.STAFF]
    assert len(set(addresses)) == len(addresses)
    assert all(address.isascii() and " " not in address for address in addresses)
    assert min(Counter(person.sex for person in club.MEMBERS).values()) >= 15
    assert {person.max_heart_rate_bpm is None for person in club.MEMBERS} == {True, False}
    assert {role for role, _name in club.STAFF} == {"trainer", "observer", "admin"}


def test_every_person_is_physiologically_possible() -> None:
    for person in club.MEMBERS:
        highest = person.max_heart_rate_bpm or 208
        assert person.resting_heart_rate_bpm + 60 < highest, person.name
        assert (person.threshold_heart_rate_bpm or 0) < highest, person.name
        assert 1.8 < person.ftp_watts / person.mass_kg < 4.6, person.name
        assert 1960 < person.birth_date.year < 2009, person.name


@pytest.mark.servers
def test_seeding_again_changes_secrets_and_nothing_else(api: RunningApi) -> None:
    desk = Desk(api.settings, MovableClock(), QUICK_PASSWORDS)
    people = desk.users()
    again = desk.seed(8)
    assert desk.users() == people
    assert [c["id"] for c in again["classes"]] == [c["id"] for c in api.club["classes"]]
    assert [c["name"] for c in again["classes"]] == ["Morning Spin", "HIIT Express", "Tempo Run"]
    assert again["device_token"] != api.club["device_token"]
    with api.anonymous() as person:
        old = {key: api.club["trainer"][key] for key in ("email", "password")}
        assert person.post("/api/v1/auth/login", json=old).status_code == 401
        new = {key: again["trainer"][key] for key in ("email", "password")}
        assert person.post("/api/v1/auth/login", json=new).status_code == 200
    api.took_new_passwords(again)
    devices = api.as_("trainer").get("/api/v1/devices").json()["devices"]
    assert [d["revoked"] for d in devices if d["device_id"] == "demo-gateway"] == [False, True]


@pytest.mark.servers
def test_a_seeded_class_starts_with_zones_of_each_member(api: RunningApi) -> None:
    class_id = api.club["classes"][0]["id"]
    assert api.as_("trainer").get(f"/api/v1/classes/{class_id}").json()["segments"][0] == {"name": "Warm-up", "duration_s": 480}
    session_id = api.start(class_id)
    record = api.as_("trainer").get(f"/api/v1/live/sessions/{session_id}").json()["session"]
    floors = {p["name"]: p["heart_rate_zone_floors_bpm"] for p in record["participants"]}
    assert floors["Amara Okafor"] == [95, 114, 133, 152, 171]
    assert len(floors) == 8
    assert set(record["participants"][0]) <= set(Participant.__struct_fields__)
    api.end(class_id)


@pytest.mark.servers
def test_more_members_than_the_demo_knows_is_an_error_for_people(api: RunningApi) -> None:
    with pytest.raises(PacelineError, match="ask for 1 to"):
        Desk(api.settings, MovableClock(), QUICK_PASSWORDS).seed(1_000)


@pytest.mark.servers
def test_people_and_devices_are_added_from_the_command_line(postgres_only: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in child_environment(own_database(postgres_only, "desk_test")).items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke
    password = "a long password"
    made = run(build(), ["users", "add", "Cli@Test.example", "Cli", "--role", "trainer", "--password"], f"{password}\n" * 2)
    assert "as trainer, id" in made.output
    changed = run(build(), ["users", "password", "cli@test.example"], "another password\n" * 2)
    assert "is set" in changed.output
    assert "cli@test.example" in run(build(), ["users", "list"], env={"COLUMNS": "200"}).output
    assert run(build(), ["devices", "add", "hall-9"]).output.startswith("pd_")
    seeded = json.loads(run(build(), ["seed", "--demo", "--members", "2", "--json"]).output)
    assert {"trainer", "admin", "observer", "device_token", "classes", "members"} <= set(seeded)
    for words in (["seed"], ["users", "password", "nobody@test.example"], ["users", "add", "a@b.c", "A", "--role", "king"]):
        assert isinstance(run(build(), words, "a long password\n" * 2).exception, PacelineError), words


@pytest.mark.servers
def test_a_failure_on_the_command_line_is_two_lines_for_people(postgres_only: Settings) -> None:
    command = [sys.executable, "-m", "infra.cli", "devices", "add", "hall-9", "--member", "4503599627370496"]
    environment = child_environment(postgres_only)
    failed = subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)
    assert failed.returncode == 1
    assert "There is no such member" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_commands_are_registered() -> None:
    helped = CliRunner().invoke(build(), ["--help"]).output
    assert [word for word in ("api", "users", "devices", "seed", "openapi") if word not in helped] == []
