"""A sign-in that has ended ends its access tokens too, within seconds."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.orm import sessionmaker

from api.auth.standing import GOOD_FOR_MS, Standing
from infra.postgres import open_engine
from infra.settings import Settings
from tests.api.running_api import RunningApi
from tests.conftest import FakeClock
from tests.running import free_ports

pytestmark = pytest.mark.servers
Json = dict[str, Any]
PASSWORD = "a good password"


def _person(api: RunningApi) -> Json:
    """A new trainer, signed in: id, access and refresh token."""
    email = f"{uuid4().hex}@test.example"
    body = {"email": email, "name": "T", "role": "trainer", "password": PASSWORD}
    user_id = api.as_("admin").post("/api/v1/users", json=body).json()["id"]
    with api.anonymous() as person:
        login = {"email": email, "password": PASSWORD, "cookies": False}
        answer: Json = person.post("/api/v1/auth/login", json=login).json()
    return answer | {"id": user_id}


def _asks(api: RunningApi, person: Json) -> httpx.Response:
    with api.anonymous() as client:
        return client.get("/api/v1/classes", headers={"Authorization": f"Bearer {person['access_token']}"})


def _patch(**changes: object) -> Callable[[RunningApi, Json], httpx.Response]:
    return lambda api, person: api.as_("admin").patch(f"/api/v1/users/{person['id']}", json=changes)


def _logout(api: RunningApi, person: Json) -> httpx.Response:
    with api.anonymous() as client:
        return client.post("/api/v1/auth/logout", json={"refresh_token": person["refresh_token"]})


@pytest.mark.parametrize(
    "end",
    [_patch(active=False), _patch(role="member"), _patch(password="another password"), _logout],
    ids=["switched off", "new role", "new password", "signed out"],
)
def test_who_lost_their_sign_in_loses_their_access_within_seconds(
    api: RunningApi, end: Callable[[RunningApi, Json], httpx.Response]
) -> None:
    person, other = _person(api), _person(api)
    assert _asks(api, person).status_code == 200
    assert end(api, person).status_code < 300
    api.clock.forward(GOOD_FOR_MS / 1000)
    refused = _asks(api, person)
    assert (refused.status_code, refused.json()["type"]) == (401, "signed_out")
    assert _asks(api, other).status_code == 200


def test_a_token_of_a_sign_in_that_never_was_is_refused(api: RunningApi) -> None:
    admin = api.club["admin"]
    token = api.services.tokens.issue(admin["id"], admin["name"], "admin", str(uuid4()))
    assert _asks(api, {"access_token": token}).json()["type"] == "signed_out"


def test_postgres_is_asked_once_in_five_seconds_and_an_end_is_final(api: RunningApi, clock: FakeClock) -> None:
    held = api.services.sessions
    asked = 0

    class Counting:
        def begin(self) -> Any:
            nonlocal asked
            asked += 1
            return held.begin()

    standing = Standing(Counting(), clock)  # type: ignore[arg-type] # the one method that is called
    never = str(uuid4())
    for _ in range(3):
        assert standing.ended([never]) == {never}
    clock.forward(3600)
    assert standing.ended([never]) == {never}
    assert (asked, standing.fresh(never)) == (1, True)


def test_while_postgres_is_away_nobody_is_sent_out(clock: FakeClock) -> None:
    (port,) = free_ports(1)
    engine = open_engine(Settings.model_validate({"postgres": f"postgresql://a@127.0.0.1:{port}/a"}))
    standing = Standing(sessionmaker(engine), clock)
    assert standing.ended([str(uuid4())]) == set()
    engine.dispose()
