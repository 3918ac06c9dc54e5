"""Signing in, staying signed in, and being locked out."""

import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from api.auth.refresh import Refresh
from api.auth.sign_in import SignIn
from api.directory.change import Change
from api.directory.models import RefreshFamily, SignInAttempts
from api.directory.people import add_user, change_user
from api.errors import Locked, Unauthorized
from infra.postgres import open_engine
from infra.settings import Settings
from tests.api.running_api import QUICK_PASSWORDS, RunningApi
from tests.conftest import FakeClock

pytestmark = pytest.mark.servers
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def sessions(postgres_only: Settings) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(postgres_only)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def _change(db: Session, clock: FakeClock) -> Change:
    return Change(db, clock(), lambda: str(uuid4()))


@pytest.fixture
def email(sessions: sessionmaker[Session], clock: FakeClock) -> str:
    """The address of a new trainer."""
    address = f"{uuid4().hex}@test.example"
    with sessions.begin() as db:
        add_user(_change(db, clock), email=address, name="T", role="trainer", password_hash=QUICK_PASSWORDS.digest(PASSWORD))
    return address


@pytest.fixture
def sign_in(sessions: sessionmaker[Session], clock: FakeClock) -> SignIn:
    return SignIn(sessions, QUICK_PASSWORDS, clock)


@pytest.fixture
def refresh(sessions: sessionmaker[Session], clock: FakeClock) -> Refresh:
    secret = itertools.count()
    life = uuid4().hex
    return Refresh(sessions, clock, lifetime_s=1000, new_id=lambda: str(uuid4()), new_secret=lambda: f"{life}-{next(secret)}")


def _fail(sign_in: SignIn, email: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unauthorized):
            sign_in.check(email, "wrong")


def test_five_failures_lock_for_fifteen_minutes(sign_in: SignIn, email: str, clock: FakeClock) -> None:
    _fail(sign_in, email, 5)
    with pytest.raises(Locked) as locked:
        sign_in.check(email, PASSWORD)
    assert locked.value.retry_after_s == 15 * 60
    clock.forward(15 * 60 - 1)
    with pytest.raises(Locked):
        sign_in.check(email, PASSWORD)
    clock.forward(1)
    assert sign_in.check(email, PASSWORD).email == email


def test_a_success_forgets_the_failures(sign_in: SignIn, email: str) -> None:
    for _ in range(3):
        _fail(sign_in, email, 4)
        sign_in.check(email.upper() + " ", PASSWORD)


def test_failures_of_long_ago_are_not_kept(
    sign_in: SignIn, sessions: sessionmaker[Session], email: str, clock: FakeClock
) -> None:
    stranger = f"{uuid4().hex}@test.example"
    _fail(sign_in, stranger, 1)
    clock.forward(24 * 3_600)
    sign_in.check(email, PASSWORD)
    with sessions.begin() as db:
        assert db.get(SignInAttempts, hashlib.sha256(stranger.encode()).hexdigest()) is None


def test_an_unknown_address_answers_and_locks_like_a_known_one(sign_in: SignIn, email: str) -> None:
    unknown = f"{uuid4().hex}@test.example"
    with pytest.raises(Unauthorized) as one:
        sign_in.check(unknown, PASSWORD)
    with pytest.raises(Unauthorized) as other:
        sign_in.check(email, "wrong")
    assert one.value.body() == other.value.body()
    _fail(sign_in, unknown, 4)
    with pytest.raises(Locked):
        sign_in.check(unknown, PASSWORD)


def test_guesses_made_at_once_are_all_counted(sign_in: SignIn, email: str) -> None:
    def guess(number: int) -> str:
        try:
            sign_in.check(email, f"guess {number}")
        except (Unauthorized, Locked) as refused:
            return refused.kind
        return "in"

    with ThreadPoolExecutor(12) as pool:
        kinds = list(pool.map(guess, range(12)))
    assert sorted(kinds) == ["locked"] * 7 + ["sign_in_failed"] * 5


def test_a_switched_off_user_stays_out(
    sign_in: SignIn, refresh: Refresh, sessions: sessionmaker[Session], email: str, clock: FakeClock
) -> None:
    user = sign_in.check(email, PASSWORD)
    token = refresh.begin(user).refresh_token
    with sessions.begin() as db:
        change_user(_change(db, clock), user.id, {"active": False})
    _fail(sign_in, email, 1)
    with pytest.raises(Unauthorized):
        refresh.renew(token)


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_sign_in(sign_in: SignIn, refresh: Refresh, email: str) -> None:
    first = refresh.begin(sign_in.check(email, PASSWORD)).refresh_token
    second = refresh.renew(first).refresh_token
    third = refresh.renew(second).refresh_token
    other_sign_in = refresh.begin(sign_in.check(email, PASSWORD)).refresh_token
    with pytest.raises(Unauthorized):
        refresh.renew(first)
    with pytest.raises(Unauthorized):
        refresh.renew(third)
    refresh.renew(other_sign_in)


def test_of_two_renewals_at_once_one_wins(sign_in: SignIn, refresh: Refresh, email: str) -> None:
    token = refresh.begin(sign_in.check(email, PASSWORD)).refresh_token

    def renew(_: int) -> bool:
        try:
            refresh.renew(token)
        except Unauthorized:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(renew, range(4))) == 1


def test_refresh_tokens_expire_and_are_forgotten(
    sign_in: SignIn, refresh: Refresh, sessions: sessionmaker[Session], email: str, clock: FakeClock
) -> None:
    user = sign_in.check(email, PASSWORD)
    token = refresh.begin(user).refresh_token
    clock.forward(1000)
    with pytest.raises(Unauthorized):
        refresh.renew(token)
    refresh.begin(user)
    with sessions.begin() as db:
        assert db.scalar(select(func.count()).where(RefreshFamily.user_id == user.id)) == 1


def test_signing_in_over_http_keeps_the_refresh_token_in_a_strict_cookie(api: RunningApi) -> None:
    trainer = api.club["trainer"]
    with api.anonymous() as browser:
        answer = browser.post("/api/v1/auth/login", json={"email": trainer["email"], "password": trainer["password"]})
        assert answer.status_code == 200
        body = answer.json()
        assert body["user"] == {k: trainer[k] for k in ("id", "name", "email")} | {"role": "trainer"}
        assert (body["token_type"], body["expires_in"], "refresh_token" in body) == ("bearer", 900, False)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Path=/api/v1/auth" in cookie
        assert answer.headers["cache-control"] == "no-store"
        me = browser.get("/api/v1/me", headers={"Authorization": f"Bearer {body['access_token']}"})
        assert me.json()["email"] == trainer["email"]
        old = browser.cookies["paceline_refresh"]
        assert browser.post("/api/v1/auth/refresh").status_code == 200
        assert browser.cookies["paceline_refresh"] != old
        assert browser.post("/api/v1/auth/logout").status_code == 204
        assert browser.post("/api/v1/auth/refresh").status_code == 401


def test_a_client_without_cookies_gets_the_refresh_token_in_the_answer(api: RunningApi) -> None:
    login = {key: api.club["observer"][key] for key in ("email", "password")}
    with api.anonymous() as program:
        answer = program.post("/api/v1/auth/login", json=login | {"cookies": False})
        assert "set-cookie" not in answer.headers
        first = answer.json()["refresh_token"]
        second = program.post("/api/v1/auth/refresh", json={"refresh_token": first}).json()["refresh_token"]
        reused = program.post("/api/v1/auth/refresh", json={"refresh_token": first})
        assert (reused.status_code, reused.json()["type"]) == (401, "refresh_refused")
        assert program.post("/api/v1/auth/refresh", json={"refresh_token": second}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 401),
        ({}, 401),
    ],
    ids=str,
)
def test_another_sites_page_cannot_use_the_cookie(api: RunningApi, headers: dict[str, str], status: int) -> None:
    with api.anonymous() as browser:
        answers = [
            browser.post("/api/v1/auth/refresh", headers=headers),
            browser.post("/api/v1/auth/login", headers=headers, json={"email": f"{uuid4().hex}@x.example", "password": "x"}),
        ]
    assert [a.status_code for a in answers] == [status, status]


def test_the_pages_own_origin_may(api: RunningApi) -> None:
    with api.anonymous() as browser:
        assert browser.post("/api/v1/auth/refresh", headers={"Origin": api.url}).json()["type"] == "refresh_missing"


def test_locked_over_http_says_when_to_come_back(api: RunningApi) -> None:
    login = {"email": f"{uuid4().hex}@test.example", "password": "wrong"}
    with api.anonymous() as stranger:
        statuses = [stranger.post("/api/v1/auth/login", json=login).status_code for _ in range(5)]
        locked = stranger.post("/api/v1/auth/login", json=login)
    assert statuses == [401] * 5
    assert locked.status_code == 423
    assert 890 <= int(locked.headers["Retry-After"]) <= 900
