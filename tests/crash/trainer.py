"""The trainer: everything that people do in a class, over REST, asked again until it is answered; never done twice."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from tests.crash.club import TRAINER, Club

AGAIN_S = 0.3
GONE = {408, 429, 500, 502, 503, 504}
Json = dict[str, Any]


class Trainer:
    """One signed-in trainer. `done` holds the ids of the app events that were answered."""

    def __init__(self, api_url: str, club: Club) -> None:
        self.client = httpx.AsyncClient(base_url=api_url, timeout=15, trust_env=False)
        self.token = ""
        self.done: set[str] = set()
        self.asked_again = 0
        self._login = {"email": TRAINER, "password": club.password, "cookies": False}

    async def sign_in(self) -> None:
        answer = await self._ask("POST", "/api/v1/auth/login", self._login)
        self.token = answer.json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {self.token}"

    async def start(self, class_id: int) -> Json:
        """The session's id and start."""
        return (await self._once(f"/api/v1/classes/{class_id}/start")).json()

    async def pause(self, class_id: int) -> None:
        await self._ask("POST", f"/api/v1/classes/{class_id}/pause")

    async def resume(self, class_id: int) -> None:
        await self._ask("POST", f"/api/v1/classes/{class_id}/resume")

    async def end(self, class_id: int) -> None:
        """A second try may find it ended by the first, whose answer was lost."""
        answer = await self._ask("POST", f"/api/v1/classes/{class_id}/end", fine={409})
        assert answer.is_success or answer.json()["type"].endswith("no_active_collection"), answer.text

    async def put_roster(self, class_id: int, members: list[int]) -> None:
        await self._ask("PUT", f"/api/v1/classes/{class_id}/roster", {"member_ids": members})

    async def note(self, session_id: str, what: str, body: Json) -> str:
        """A marker, check-in, check-out, note or rating; returns the event's id."""
        event_id: str = (await self._once(f"/api/v1/sessions/{session_id}/{what}", body)).json()["event_id"]
        self.done.add(event_id)
        return event_id

    async def acknowledge(self, session_id: str, alert_id: str) -> None:
        """A hub that has just begun to read may not know the alert yet."""
        path, body = f"/api/v1/alerts/{alert_id}/acknowledge", {"session_id": session_id}
        answer = await self._ask("POST", path, body, fine={404})
        while answer.status_code == httpx.codes.NOT_FOUND:
            await asyncio.sleep(AGAIN_S)
            answer = await self._ask("POST", path, body, fine={404})
        self.done.add(answer.json()["event_id"])

    async def get(self, path: str, fine: frozenset[int] = frozenset()) -> httpx.Response:
        return await self._ask("GET", path, fine=set(fine))

    async def close(self) -> None:
        await self.client.aclose()

    async def _once(self, path: str, body: Json | None = None) -> httpx.Response:
        """What may not be done twice carries a key that says so."""
        return await self._ask("POST", path, body, key=uuid4().hex)

    async def _ask(
        self, method: str, path: str, body: Json | None = None, *, key: str = "", fine: set[int] | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            try:
                answer = await self.client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in GONE and not _in_progress(answer):
                assert answer.is_success or answer.status_code in (fine or ()), f"{method} {path}: {answer.text}"
                return answer
            self.asked_again += 1
            await asyncio.sleep(AGAIN_S)


def _in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.CONFLICT and answer.json()["type"].endswith("in_progress")
