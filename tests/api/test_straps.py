"""Straps: told of by hubs, given to members by leaders."""

import asyncio
from pathlib import Path

import httpx
import pytest
from bumble.link import LocalLink

from infra.clock import system_clock
from ingest.straps.assignments import Assigning
from tests.api.running_api import RunningApi
from tests.ingest.straps.bumble_radio import BumbleStrap, bumble_radio, powered
from tests.ingest.straps.conftest import following, until

pytestmark = pytest.mark.servers
SIGHTINGS = "/api/v1/straps/sightings"


def hub(api: RunningApi, scope: str = "gateway") -> httpx.Client:
    member = {"member_id": api.club["member"]["id"]} if scope == "member" else {}
    made = api.as_("trainer").post("/api/v1/devices", json={"device_id": "pi-1", "scope": scope, **member}).json()
    return httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {made['token']}"}, timeout=20)


def address(number: int) -> str:
    return f"C0:FF:EE:00:00:{number:02X}"


def seen(number: int, **facts: object) -> dict[str, object]:
    return {"address": address(number), "name": f"Strap {number}", "measures": "heart rate", "signal_dbm": -60, **facts}


def listed(api: RunningApi) -> dict[str, dict]:
    return {strap["address"]: strap for strap in api.as_("trainer").get("/api/v1/straps").json()["straps"]}


def test_an_unknown_strap_is_listed_given_followed_and_taken_back(api: RunningApi) -> None:
    member, room = api.club["members"][0], hub(api)
    answer = room.post(SIGHTINGS, json={"sightings": [seen(1), seen(2), seen(1, signal_dbm=-50)]})
    assert address(1) not in [strap["address"] for strap in answer.json()["assigned"]]
    strap = listed(api)[address(1)]
    assert (strap["name"], strap["member"], strap["signal_dbm"], strap["seen_by"]) == ("Strap 1", None, -50, "pi-1")

    answers = api.as_("trainer").get("/api/v1/straps").json()
    assert {"id": member["id"], "name": member["name"]} in answers["members"]
    given = api.as_("trainer").post(f"/api/v1/straps/{address(1)}/member", json={"member_id": member["id"]})
    assert given.json() == {"address": address(1), "member_id": member["id"]}
    told = room.post(SIGHTINGS, json={"sightings": [seen(1, state="live", battery_percent=80)]}).json()["assigned"]
    assert {"address": address(1), "member_id": member["id"]} in told
    strap = listed(api)[address(1)]
    assert (strap["member"], strap["state"], strap["battery_percent"]) == (
        {"id": member["id"], "name": member["name"]},
        "live",
        80,
    )

    assert api.as_("admin").post(f"/api/v1/straps/{address(1)}/member", json={"member_id": None}).status_code == 200
    assert address(1) not in [s["address"] for s in room.post(SIGHTINGS, json={"sightings": []}).json()["assigned"]]


def test_a_strap_nobody_has_seen_and_a_member_nobody_knows_are_said_to_be_unknown(api: RunningApi) -> None:
    trainer, member = api.as_("trainer"), api.club["members"][0]
    unseen = trainer.post(f"/api/v1/straps/{address(0xEE)}/member", json={"member_id": member["id"]})
    assert (unseen.status_code, unseen.json()["type"]) == (404, "unknown_strap")
    hub(api).post(SIGHTINGS, json={"sightings": [seen(3)]})
    nobody = trainer.post(f"/api/v1/straps/{address(3)}/member", json={"member_id": 2**52})
    assert (nobody.status_code, nobody.json()["type"]) == (404, "unknown_member")


def test_only_a_hubs_token_may_tell_of_straps(api: RunningApi) -> None:
    body = {"sightings": [seen(4)]}
    with api.anonymous() as nobody:
        assert nobody.post(SIGHTINGS, json=body).status_code == 401
    assert api.as_("admin").post(SIGHTINGS, json=body).json()["type"] == "token_invalid"
    assert hub(api, "member").post(SIGHTINGS, json=body).json()["type"] == "scope"
    room = hub(api)
    assert room.post(SIGHTINGS, json=body).status_code == 200
    token_id = api.as_("trainer").get("/api/v1/devices").json()["devices"][0]["token_id"]
    assert api.as_("trainer").delete(f"/api/v1/devices/{token_id}").status_code == 204
    assert room.post(SIGHTINGS, json=body).status_code == 401


def test_passers_by_are_forgotten_after_a_day_and_members_straps_are_not(api: RunningApi) -> None:
    room, member = hub(api), api.club["members"][1]
    room.post(SIGHTINGS, json={"sightings": [seen(5, seen_ms_ago=3_600_000), seen(6)]})
    assert listed(api)[address(5)]["seen_at"] < listed(api)[address(6)]["seen_at"]
    api.as_("trainer").post(f"/api/v1/straps/{address(6)}/member", json={"member_id": member["id"]})
    with api.services.engine.begin() as database:
        database.exec_driver_sql("UPDATE straps SET seen_at = seen_at - interval '25 hours'")
    room.post(SIGHTINGS, json={"sightings": []})
    known = listed(api)
    assert address(5) not in known
    assert address(6) in known


@pytest.mark.parametrize(
    "wrong", [{"address": "x"}, {"battery_percent": 255}, {"state": "dancing"}, {"name": "\x00"}, {"what": 1}]
)
def test_what_is_no_sighting_is_refused(api: RunningApi, wrong: dict[str, object]) -> None:
    assert hub(api).post(SIGHTINGS, json={"sightings": [{**seen(7), **wrong}]}).status_code == 422


async def test_a_strap_in_the_room_is_listed_given_in_the_page_and_live(api: RunningApi, tmp_path: Path) -> None:
    air, member, said = LocalLink(), api.club["members"][2], []
    strap = BumbleStrap(await powered("Strap 9", "F0:00:00:00:00:09", air))
    radio = bumble_radio(await powered("hub", "F0:00:00:00:00:99", air))
    token = str(hub(api).headers["Authorization"]).split()[1]
    await strap.advertise()
    async with following({}, radio) as room:
        memory = tmp_path / "members.json"
        asking = asyncio.create_task(
            Assigning(room.hub, api.url, token, memory, said.append, clock=system_clock, ask_every_s=0.05).run()
        )
        shown = lambda: listed(api).get("F0:00:00:00:00:09", {"state": "", "member": None})  # noqa: E731 - asked anew each time
        await until(lambda: shown()["state"] == "near", "it is listed as near")
        assert not strap.device.connections
        api.as_("trainer").post("/api/v1/straps/F0:00:00:00:00:09/member", json={"member_id": member["id"]})
        await until(lambda: strap.listened_to, "it is followed")
        await strap.beat(123)
        await until(lambda: shown()["state"] == "live", "the page says that it is live")
        assert [(e.member_id, e.heart_rate_bpm) for e in room.events] == [(member["id"], 123)]
        assert shown()["battery_percent"] == 75
        await strap.drop()
        await until(lambda: shown()["state"] in {"resting", "looking"}, "the page says that it is lost")
        await strap.advertise()
        await until(lambda: strap.listened_to, "it is followed again")
        api.as_("trainer").post("/api/v1/straps/F0:00:00:00:00:09/member", json={"member_id": None})
        await until(lambda: not strap.device.connections, "it is let go")
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert said == []
