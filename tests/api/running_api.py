"""The API as a test meets it: a real uvicorn in a thread, clients signed in as each role."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.auth.passwords import Passwords
from api.auth.refresh import Refresh
from api.desk import Desk
from api.directory.migrate import upgrade
from api.directory.models import User
from api.services import Services
from infra.clock import system_clock
from infra.postgres import open_engine
from infra.settings import Settings
from tests.running import PLAIN, free_ports, wait_until

Json = dict[str, Any]
QUICK_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""The strength of the digests is tested in test_passwords.py; everywhere else they only cost time."""


@dataclass
class MovableClock:
    """The system's time, moved forward when told."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead_ms

    def forward(self, seconds: float) -> None:
        self.ahead_ms += round(seconds * 1000)


@dataclass
class RunningApi:
    """One API with the demo's club in its directory."""

    url: str
    settings: Settings
    services: Services
    clock: MovableClock
    club: Json
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def as_(self, role: str) -> httpx.Client:
        """A client of the club's trainer, second_trainer, observer, admin or member."""
        if role not in self._clients:
            user = self.club[role]
            self._clients[role] = self.as_user(user["id"], user["name"], role.removeprefix("second_"))
        return self._clients[role]

    def as_user(self, user_id: int, name: str, role: str) -> httpx.Client:
        """A client with an access token of a new sign-in of this user."""
        token = self.services.tokens.issue(user_id, name, role, new_sign_in(self.services.refresh, user_id))
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20, verify=PLAIN)

    def took_new_passwords(self, club: Json) -> None:
        """The club was seeded again: who was signed in is no more."""
        self.club.update(club)
        self._clients.clear()

    def anonymous(self) -> httpx.Client:
        """A client without a token, with a cookie jar of its own."""
        return httpx.Client(base_url=self.url, timeout=20, verify=PLAIN)

    def new_class(self, members: int = 3, **fields: Any) -> int:
        """A class of the trainer with the first members of the club."""
        body = {
            "name": "Test class",
            "class_type": "spin",
            "starts_at": "2026-11-21T09:00:00Z",
            "planned_duration_s": 2700,
            "segments": [{"name": "Warm-up", "duration_s": 600}],
            "member_ids": [member["id"] for member in self.club["members"][:members]],
        }
        answer = self.as_("trainer").post("/api/v1/classes", json=body | fields)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def start(self, class_id: int) -> str:
        """Start its collection; returns the session id."""
        answer = self.as_("trainer").post(f"/api/v1/classes/{class_id}/start", json={})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_id"])

    def end(self, class_id: int) -> None:
        answer = self.as_("trainer").post(f"/api/v1/classes/{class_id}/end", json={})
        assert answer.status_code == 200, answer.text


def new_sign_in(refresh: Refresh, user_id: int) -> str:
    """The id of a sign-in that holds."""
    return refresh.begin(User(id=user_id)).sign_in_id


def own_database(settings: Settings, name: str) -> Settings:
    """A new, migrated database on the same server, for a test that must be alone in it."""
    engine = open_engine(settings, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    address = f"postgresql://paceline@/{name}?host={settings.postgres_socket_dir}"
    own = settings.model_copy(update={"postgres": SecretStr(address)})
    upgrade(own)
    return own


@contextmanager
def running_api(settings: Settings, members: int = 8, *, club: Json | None = None, wait: bool = True) -> Iterator[RunningApi]:
    """The API inside the block, gone after it; a `club` that another made is not seeded again."""
    (port,) = free_ports(1)
    settings = settings.model_copy(
        update={"api_port": port, "requests_per_minute": 1_000_000, "sign_ins_per_minute": 1_000_000}
    )
    clock = MovableClock()
    app = create_app(settings, clock, passwords=QUICK_PASSWORDS)
    club = club or Desk(settings, clock, QUICK_PASSWORDS).seed(members)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, name="api-under-test")
    thread.start()
    api = RunningApi(f"http://127.0.0.1:{port}", settings, app.state.services, clock, club)
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "the API serves")
        assert server.started, "the API did not start"
        if wait:
            wait_until(app.state.hub.ready, "the hub reaches the present")
        yield api
    finally:
        for client in api._clients.values():
            client.close()
        server.should_exit = True
        thread.join(20)
