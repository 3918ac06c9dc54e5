"""Messages between trainer and members: who may write to whom, what is kept, and that they arrive at any process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.api.running_api import RunningApi, running_api
from tests.running import wait_until

pytestmark = pytest.mark.servers
ADDRESS = "/api/v1/live/messages"
Json = dict[str, Any]


@pytest.fixture
def session_id(api: RunningApi) -> Iterator[str]:
    """A running class of the trainer with the club's first three members."""
    class_id = api.new_class()
    yield api.start(class_id)
    api.as_("trainer").post(f"/api/v1/classes/{class_id}/end")


def write(client: httpx.Client, session_id: str, text: str = "Great pace!", **more: Any) -> httpx.Response:
    return client.post(ADDRESS, json={"session_id": session_id, "text": text} | more)


def member(api: RunningApi, number: int) -> httpx.Client:
    """A client of one of the club's members."""
    one = api.club["members"][number]
    return api.as_user(one["id"], one["name"], "member")


def texts(answer: httpx.Response) -> list[str]:
    return [message["message"]["text"] for message in answer.json()["messages"]]


@contextmanager
def listening(api: RunningApi, client: httpx.Client, user_id: int, **position: Any) -> Iterator[tuple[ClientConnection, Json]]:
    """A socket that reads the messages to a user, and how it was welcomed."""
    with connect(api.url.replace("http", "ws") + "/api/v1/live/ws") as socket:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        wanted = {"channel": f"user:{user_id}", **position}
        socket.send(json.dumps({"type": "hello", "version": 1, "token": token, "subscriptions": [wanted]}))
        welcome = json.loads(socket.recv(60))
        yield socket, welcome["subscriptions"][0]


def heard(socket: ClientConnection) -> Json:
    """The next message."""
    while True:
        frame: Json = json.loads(socket.recv(60))
        if frame["type"] == "message":
            return frame


def test_a_trainer_writes_to_the_class_or_to_one_member_of_it(api: RunningApi, session_id: str) -> None:
    trainer, people = api.as_("trainer"), api.club["members"]
    sent = write(trainer, session_id, "  Ten seconds left!  ")
    assert sent.status_code == 201
    said = sent.json()
    assert said["session_id"] == session_id
    assert said["message"] | {"id": "…"} == {
        "id": "…",
        "from": str(api.club["trainer"]["id"]),
        "from_name": api.club["trainer"]["name"],
        "from_role": "trainer",
        "to": None,
        "text": "Ten seconds left!",
    }
    private = write(trainer, session_id, recipient_id=people[1]["id"])
    assert private.json()["message"]["to"] == str(people[1]["id"])
    outsider = write(trainer, session_id, recipient_id=people[5]["id"])
    assert (outsider.status_code, outsider.json()["type"]) == (422, "not_in_session")
    assert outsider.headers["Content-Type"] == "application/problem+json"


def test_a_member_writes_to_the_trainer_of_the_running_class_and_to_nobody_else(api: RunningApi, session_id: str) -> None:
    me, trainer_id = member(api, 0), api.club["trainer"]["id"]
    assert write(me, session_id, "My strap slipped").json()["message"]["to"] == str(trainer_id)
    assert write(me, session_id, recipient_id=trainer_id).status_code == 201
    other = write(me, session_id, recipient_id=api.club["members"][1]["id"])
    assert (other.status_code, other.json()["type"]) == (403, "not_your_trainer")
    stranger = write(member(api, 6), session_id)
    assert (stranger.status_code, stranger.json()["type"]) == (404, "unknown_session")


def test_nobody_else_writes(api: RunningApi, session_id: str) -> None:
    assert write(api.as_("second_trainer"), session_id).json()["type"] == "not_your_class"
    assert write(api.as_("observer"), session_id).json()["type"] == "role"
    assert write(api.anonymous(), session_id).status_code == 401
    assert write(api.as_("admin"), session_id).status_code == 201


def test_after_the_end_the_trainer_may_still_write_and_a_member_may_not(api: RunningApi) -> None:
    class_id = api.new_class()
    session_id = api.start(class_id)
    api.end(class_id)
    assert write(api.as_("trainer"), session_id, "Well done, all of you").status_code == 201
    over = write(member(api, 0), session_id)
    assert (over.status_code, over.json()["type"]) == (409, "session_over")


@pytest.mark.parametrize("text", ["", "   ", "x" * 501, "a\x00b", None])
def test_a_message_has_between_one_and_five_hundred_characters(api: RunningApi, session_id: str, text: str | None) -> None:
    answer = api.as_("trainer").post(ADDRESS, json={"session_id": session_id, "text": text})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert write(api.as_("trainer"), session_id, "x" * 500).status_code == 201


def test_whoever_writes_too_much_is_told_when_to_go_on(api: RunningApi, session_id: str) -> None:
    flooding = member(api, 2)
    answers = (write(flooding, session_id) for _ in range(300))
    refused = next(answer for answer in answers if answer.status_code != 201)
    assert (refused.status_code, refused.json()["type"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert write(member(api, 1), session_id).status_code == 201


def test_a_message_sent_again_with_its_key_is_sent_once(api: RunningApi, session_id: str) -> None:
    body, key = {"session_id": session_id, "text": "Once"}, {"Idempotency-Key": f"message-{session_id}"}
    first, second = (api.as_("admin").post(ADDRESS, json=body, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert texts(api.as_("admin").get(f"{ADDRESS}/{session_id}")) == ["Once"]


def test_each_reads_what_concerns_them_and_who_leads_reads_all(api: RunningApi, session_id: str) -> None:
    me, neighbour, people = member(api, 0), member(api, 1), api.club["members"]
    write(api.as_("admin"), session_id, "To all")
    write(api.as_("admin"), session_id, "To the first", recipient_id=people[0]["id"])
    write(me, session_id, "From the first")
    everything = ["To all", "To the first", "From the first"]
    expected = {api.as_("trainer"): everything, me: everything, neighbour: ["To all"], api.as_("observer"): ["To all"]}
    for client, shown in expected.items():
        assert texts(client.get(f"{ADDRESS}/{session_id}")) == shown
    assert texts(api.as_("trainer").get(f"{ADDRESS}/{session_id}", params={"limit": 1})) == ["From the first"]
    assert member(api, 6).get(f"{ADDRESS}/{session_id}").json()["type"] == "unknown_session"
    assert texts(me.get(ADDRESS))[-2:] == ["To all", "To the first"]
    assert texts(neighbour.get(ADDRESS))[-1:] == ["To all"]


def test_a_message_reaches_its_user_at_whatever_process_they_are_connected_to(api: RunningApi, session_id: str) -> None:
    me, my_id = member(api, 0), api.club["members"][0]["id"]
    with running_api(api.settings, club=api.club) as other:
        with listening(other, me, my_id) as (socket, standing):
            assert write(api.as_("admin"), session_id, "Through Kafka").status_code == 201
            first = heard(socket)
        assert (first["message"]["text"], first["session_id"]) == ("Through Kafka", session_id)
        missed = write(api.as_("admin"), session_id, "While you were away", recipient_id=my_id).json()
        position = {"epoch": standing["epoch"], "offset": first["offset"]}
        with listening(api, me, my_id, **position) as (socket, standing):
            assert standing["recovered"], "a position is good at every process"
            assert heard(socket)["message"] == missed["message"]


def test_who_comes_back_too_late_reads_the_state_and_goes_on_behind_it(api: RunningApi, session_id: str) -> None:
    me, my_id = member(api, 0), api.club["members"][0]["id"]
    write(api.as_("admin"), session_id, "Before")
    with listening(api, me, my_id, epoch="another log", offset=3) as (socket, standing):
        assert (standing["recovered"], standing["state"]) == (False, ADDRESS)

        def stands() -> int:
            return int(me.get(ADDRESS).json()["channels"][f"user:{my_id}"]["offset"])

        before = stands()
        write(api.as_("admin"), session_id, "After")
        wait_until(lambda: stands() > before, "the hub has read it")
        state = me.get(ADDRESS).json()
        assert texts(me.get(ADDRESS))[-2:] == ["Before", "After"]
        frames = [heard(socket)]
        while frames[-1]["message"]["text"] != "After":
            frames.append(heard(socket))
        assert frames[-1]["offset"] <= state["channels"][f"user:{my_id}"]["offset"], "known from the state already"
