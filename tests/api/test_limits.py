"""How often somebody may ask."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.orm import sessionmaker

from api.app import create_app
from api.auth.limits import RateLimit
from api.auth.refresh import Refresh
from api.auth.tokens import Tokens
from api.directory.change import Change
from api.directory.people import add_user
from api.errors import TooMany
from infra.postgres import open_engine
from infra.settings import Settings
from tests.api.quiet_hub import QuietHub
from tests.api.running_api import new_sign_in
from tests.conftest import FakeClock


def test_a_user_may_ask_a_hundred_times_a_minute_and_no_more(clock: FakeClock) -> None:
    limit = RateLimit("user", 100, clock)
    for _ in range(100):
        limit.take("7")
    with pytest.raises(TooMany) as refused:
        limit.take("7")
    assert refused.value.retry_after_s == 1
    limit.take("8")
    clock.forward(0.6)
    limit.take("7")
    with pytest.raises(TooMany):
        limit.take("7")
    clock.forward(3600)
    for _ in range(100):
        limit.take("7")
    with pytest.raises(TooMany):
        limit.take("7")


def test_waiting_as_long_as_told_is_enough(clock: FakeClock) -> None:
    limit = RateLimit("address", 7, clock)
    for _ in range(50):
        for _ in range(7):
            limit.take("x")
        with pytest.raises(TooMany) as refused:
            limit.take("x")
        clock.forward(refused.value.retry_after_s or 0)
        limit.take("x")
        clock.forward(60)


@pytest.fixture
async def client(postgres_only: Settings, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    settings = postgres_only.model_copy(update={"requests_per_minute": 3, "sign_ins_per_minute": 2})
    app = create_app(settings, clock, lambda *_: QuietHub())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://paceline.test") as opened:
        yield opened
    app.state.services.close()


def _signed_in(settings: Settings, clock: FakeClock) -> dict[str, str]:
    """The headers of a new user's new sign-in."""
    engine = open_engine(settings)
    with sessionmaker(engine).begin() as db:
        user_id = add_user(
            Change(db, clock(), lambda: str(uuid4())), email=f"{uuid4().hex}@test.example", name="N", role="trainer"
        ).id
    secrets = Refresh(sessionmaker(engine), clock, lifetime_s=900, new_id=lambda: str(uuid4()), new_secret=lambda: uuid4().hex)
    token = Tokens(settings, clock).issue(user_id, "N", "trainer", new_sign_in(secrets, user_id))
    engine.dispose()
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.servers
async def test_over_http_too_many_requests_are_told_when_to_come_back(
    client: httpx.AsyncClient, postgres_only: Settings, clock: FakeClock
) -> None:
    headers = _signed_in(postgres_only, clock)
    statuses = [(await client.get("/api/v1/live/sessions", headers=headers)).status_code for _ in range(3)]
    refused = await client.get("/api/v1/live/sessions", headers=headers)
    assert (statuses, refused.status_code) == ([200] * 3, 429)
    assert refused.json()["type"] == "too_many_requests"
    assert refused.headers["Retry-After"] == "20"
    other = _signed_in(postgres_only, clock)
    assert (await client.get("/api/v1/live/sessions", headers=other)).status_code == 200


@pytest.mark.servers
async def test_sign_ins_are_limited_by_address(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post("/api/v1/auth/refresh")).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
