"""Users, profiles, limits and devices."""

import hashlib
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from api.directory.models import MemberProfile, User
from api.directory.physiology import age_years, participant, zone_floors_bpm
from infra.directory import DirectoryReader
from tests.api.running_api import RunningApi
from tests.running import wait_until

JULY_2026_MS = 1_783_000_000_000


def _profile(**values: object) -> MemberProfile:
    return MemberProfile(**{"user_id": 1, "zone_scheme": "maximum", "limits": {}, "updated_at_ms": 0, **values})


def test_age_changes_on_the_birthday() -> None:
    day_ms = 86_400_000
    midnight_ms = JULY_2026_MS - JULY_2026_MS % day_ms
    today = datetime.fromtimestamp(midnight_ms / 1000, UTC).date()
    born = today.replace(year=1990)
    assert [age_years(born, midnight_ms + shift * day_ms) for shift in (-1, 0, 1)] == [35, 36, 36]
    assert age_years(None, midnight_ms) is None


@pytest.mark.parametrize(
    ("values", "floors"),
    [
        ({"max_heart_rate_bpm": 190}, (95, 114, 133, 152, 171)),
        ({"max_heart_rate_bpm": 185}, (93, 111, 130, 148, 167)),
        ({"birth_date": date(1986, 1, 1)}, (90, 108, 126, 144, 162)),
        ({}, (95, 114, 133, 152, 171)),
        ({"max_heart_rate_bpm": 190, "resting_heart_rate_bpm": 50, "zone_scheme": "reserve"}, (120, 134, 148, 162, 176)),
        ({"max_heart_rate_bpm": 190, "zone_scheme": "reserve"}, (95, 114, 133, 152, 171)),
        ({"threshold_heart_rate_bpm": 170, "zone_scheme": "threshold"}, (0, 145, 153, 162, 170)),
        ({"own_zone_floors_bpm": [100, 120, 140, 160, 180], "zone_scheme": "own"}, (100, 120, 140, 160, 180)),
    ],
    ids=str,
)
def test_zone_floors_are_the_least_whole_beats_that_reach_the_bound(values: dict[str, object], floors: tuple[int, ...]) -> None:
    assert zone_floors_bpm(_profile(**values), JULY_2026_MS) == floors


@pytest.mark.servers
def test_a_new_member_becomes_known_to_the_gateway_and_one_switched_off_unknown(api: RunningApi) -> None:
    admin = api.as_("admin")
    made = admin.post("/api/v1/users", json={"email": f"{uuid4().hex}@X.example", "name": " Eva ", "role": "member"})
    assert made.status_code == 201
    user = made.json()
    assert (user["name"], user["may_sign_in"], user["email"].endswith("@x.example")) == ("Eva", False, True)
    taken = admin.post("/api/v1/users", json={"email": user["email"].upper(), "name": "Other", "role": "trainer"})
    assert (taken.status_code, taken.json()["type"]) == (409, "email_taken")
    reader = DirectoryReader(api.settings)

    def active() -> bool | None:
        reader.refresh()
        known = reader.directory.members.get(user["id"])
        return known and known.active

    wait_until(lambda: active() is True, "known to the gateway")
    assert admin.patch(f"/api/v1/users/{user['id']}", json={"active": False}).json()["active"] is False
    wait_until(lambda: active() is False, "switched off")
    reader.close()


@pytest.mark.servers
def test_a_new_password_signs_in_and_ends_older_sign_ins(api: RunningApi) -> None:
    admin = api.as_("admin")
    email = f"{uuid4().hex}@x.example"
    body = {"email": email, "name": "T", "role": "trainer", "password": "first password"}
    user_id = admin.post("/api/v1/users", json=body).json()["id"]
    with api.anonymous() as person:
        login = {"email": email, "password": "first password", "cookies": False}
        old = person.post("/api/v1/auth/login", json=login).json()["refresh_token"]
        assert admin.patch(f"/api/v1/users/{user_id}", json={"password": "second password"}).status_code == 200
        assert person.post("/api/v1/auth/login", json=login).status_code == 401
        assert person.post("/api/v1/auth/login", json=login | {"password": "second password"}).status_code == 200
        assert person.post("/api/v1/auth/refresh", json={"refresh_token": old}).status_code == 401


@pytest.mark.servers
def test_an_admin_cannot_lock_themselves_out(api: RunningApi) -> None:
    me = api.club["admin"]["id"]
    for change in ({"active": False}, {"role": "member"}):
        assert api.as_("admin").patch(f"/api/v1/users/{me}", json=change).json()["type"] == "own_rights"


@pytest.mark.servers
def test_limits_and_zones_hold_at_once_in_running_sessions_and_leave_past_ones_alone(api: RunningApi) -> None:
    member = api.club["members"][2]
    past_class, running_class = api.new_class(), api.new_class()
    past = api.start(past_class)
    api.end(past_class)
    running = api.start(running_class)
    before = _participant(api, past, member["id"])
    limits = api.as_("trainer").put(f"/api/v1/members/{member['id']}/limits", json={"heart_rate_high_bpm": 171})
    assert limits.json()["limits"]["heart_rate_high_bpm"] == 171
    profile = {"max_heart_rate_bpm": 200, "zone_scheme": "maximum"}
    answer = api.as_("admin").put(f"/api/v1/members/{member['id']}/profile", json=profile)
    assert answer.json()["heart_rate_zone_floors_bpm"] == [100, 120, 140, 160, 180]
    after = _participant(api, running, member["id"])
    assert after["limits"]["heart_rate_high_bpm"] == 171
    assert after["heart_rate_zone_floors_bpm"] == [100, 120, 140, 160, 180]
    assert _participant(api, past, member["id"]) == before
    events = api.as_("trainer").get(f"/api/v1/sessions/{running}/events").json()["events"]
    wait_until(
        lambda: (
            [
                e["member_id"]
                for e in api.as_("trainer").get(f"/api/v1/sessions/{running}/events").json()["events"]
                if e["type"] == "member_changed"
            ]
            == [member["id"]] * 2
        ),
        f"the flows are told, {events}",
    )
    own = {"zone_scheme": "own"}
    assert api.as_("admin").put(f"/api/v1/members/{member['id']}/profile", json=own).json()["type"] == "zones_missing"
    api.end(running_class)


def _participant(api: RunningApi, session_id: str, member_id: int) -> dict[str, object]:
    record = api.as_("trainer").get(f"/api/v1/live/sessions/{session_id}").json()["session"]
    return next(p for p in record["participants"] if p["member_id"] == member_id)


@pytest.mark.servers
def test_a_changed_roster_reaches_the_running_session(api: RunningApi) -> None:
    ids = [member["id"] for member in api.club["members"]]
    class_id = api.new_class(3)
    session_id = api.start(class_id)
    wanted = [ids[0], ids[1], ids[5]]
    detail = api.as_("trainer").put(f"/api/v1/classes/{class_id}/roster", json={"member_ids": wanted}).json()
    assert {entry["member_id"] for entry in detail["roster"]} == set(wanted)
    record = api.as_("trainer").get(f"/api/v1/live/sessions/{session_id}").json()["session"]
    assert [p["member_id"] for p in record["participants"]][-1] == ids[5]
    assert {p["member_id"] for p in record["participants"]} == set(wanted)
    api.end(class_id)


@pytest.mark.servers
def test_a_device_token_is_shown_once_and_revoked_for_good(api: RunningApi) -> None:
    trainer = api.as_("trainer")
    made = trainer.post("/api/v1/devices", json={"device_id": "hall-1", "scope": "gateway"}).json()
    assert made["token"].startswith(f"pd_{made['token_id']}_")
    assert "token" not in trainer.get("/api/v1/devices").json()["devices"][0]
    digest = hashlib.sha256(made["token"].encode()).hexdigest()
    reader = DirectoryReader(api.settings)

    def revoked() -> bool | None:
        reader.refresh()
        known = reader.directory.devices_by_token_sha256.get(digest)
        return known and known.revoked

    wait_until(lambda: revoked() is False, "the gateway knows the token")
    assert trainer.delete(f"/api/v1/devices/{made['token_id']}").status_code == 204
    assert trainer.delete(f"/api/v1/devices/{made['token_id']}").status_code == 204
    wait_until(lambda: revoked() is True, "the gateway knows that it is revoked")
    reader.close()
    for wrong in ({"scope": "member"}, {"scope": "gateway", "member_id": 1}):
        assert trainer.post("/api/v1/devices", json={"device_id": "x", **wrong}).json()["type"] == "scope_unclear"


def test_a_participant_carries_the_members_limits() -> None:
    profile = _profile(limits={"heart_rate_high_bpm": 170}, ftp_watts=250, sex="female", mass_kg=60.0)
    seen = participant(User(id=5, name="A"), profile, JULY_2026_MS)
    assert (seen.limits.heart_rate_high_bpm, seen.max_heart_rate_bpm, seen.max_heart_rate_measured) == (170, 190, False)


@pytest.mark.servers
@pytest.mark.parametrize("birth_date", ["1900-01-01", "2024-06-01", "2099-01-01"])
def test_an_age_that_the_directory_cannot_carry_is_refused(api: RunningApi, birth_date: str) -> None:
    member_id = api.club["members"][1]["id"]
    refused = api.as_("admin").put(f"/api/v1/members/{member_id}/profile", json={"birth_date": birth_date})
    assert (refused.status_code, refused.json()["type"]) == (422, "age_unlikely")


@pytest.mark.servers
def test_a_device_token_opens_nothing_for_people(api: RunningApi) -> None:
    token = api.as_("trainer").post("/api/v1/devices", json={"device_id": "hall-2", "scope": "gateway"}).json()["token"]
    with api.anonymous() as device:
        refused = device.get("/api/v1/classes", headers={"Authorization": f"Bearer {token}"})
        assert (refused.status_code, refused.json()["type"]) == (401, "token_invalid")
        assert device.post("/api/v1/auth/refresh", json={"refresh_token": token}).status_code == 401
    made = api.as_("admin").post("/api/v1/users", json={"email": "d@x.example", "name": "D", "role": "device"})
    assert made.status_code == 422
