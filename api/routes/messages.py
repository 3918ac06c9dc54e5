"""Messages between trainer and members while a class runs: sending, and reading what was sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.directory.change import Change
from api.directory.idempotency import once
from api.directory.messages import of_session, send, to_user
from api.principal import Principal
from api.push.messages import message_shown
from api.routes.access import Anyone, Once, Only, Parts, SessionPath
from api.routes.answers import fresh, list_of, shaped
from api.routes.bodies import MessageIn
from api.routes.watching import watched
from schemas.topics import DAY_MS

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1/live/messages", tags=["live"])
Writer = Annotated[Principal, Depends(Only("member", "trainer", "admin"))]
Limit = Annotated[int, Query(ge=1, le=500)]

MESSAGE: Json = {
    "type": "object",
    "title": "Message",
    "required": ["session_id", "timestamp", "message"],
    "properties": {
        "session_id": {"type": "string", "format": "uuid"},
        "timestamp": {"type": "string", "format": "date-time"},
        "message": {
            "type": "object",
            "required": ["id", "from", "from_name", "from_role", "to", "text"],
            "properties": {
                "id": {"type": "string"},
                "from": {"type": "string", "description": "user id of the sender"},
                "from_name": {"type": "string"},
                "from_role": {"type": "string", "enum": ["member", "trainer", "admin"]},
                "to": {"type": ["string", "null"], "description": "user id of the recipient; null: the whole class"},
                "text": {"type": "string"},
            },
        },
    },
}
SENT: dict[int | str, Json] = {201: {"description": "As it is delivered", "content": {"application/json": {"schema": MESSAGE}}}}
MESSAGES = shaped("Oldest first", {"messages": list_of(MESSAGE)})
CHANNELS: Json = {"type": "object", "additionalProperties": {"type": "object"}}
MINE = shaped(
    "Where the channel stands, and what came to it, oldest first", {"channels": CHANNELS, "messages": list_of(MESSAGE)}
)


@router.post("", summary="Send a message", status_code=201, responses=SENT)
def send_message(body: MessageIn, principal: Writer, services: Parts, key: Once = None) -> Json:
    """To the class or one member of it by who leads it; by a member, to the trainer of a running class they take part in."""
    services.messages.take(str(principal.user_id))

    def do(change: Change) -> Json:
        return message_shown(send(change, principal, body.session_id, body.recipient_id, body.text))

    with services.change() as change:
        return once(change, principal.user_id, key, f"message {body.model_dump_json()}".encode(), lambda: do(change))


@router.get("", summary="Messages to me", responses=MINE)
async def my_messages(principal: Anyone, services: Parts, limit: Limit = 200) -> Response:
    """Of the last day, for a client that missed some: go on with the messages behind the given offset."""
    # the hub first: a message is kept before it is told, so what follows holds everything up to that offset
    channels = services.hub.position_of_user(principal.user_id)

    def read() -> list[Json]:
        with services.reading() as db:
            found = to_user(db, principal.user_id, services.clock() - DAY_MS, limit)
        return [message_shown(message) for message in found]

    return fresh({"channels": channels, "messages": await run_in_threadpool(read)})


@router.get("/{session_id}", summary="Messages of a session", responses=MESSAGES)
def session_messages(session_id: SessionPath, principal: Anyone, services: Parts, limit: Limit = 200) -> Response:
    """The newest: all of them to who leads the class; to others those to the class, and their own."""
    record = watched(services, principal, session_id)
    with services.reading() as db:
        found = of_session(db, principal, record, limit)
    return fresh({"messages": [message_shown(message) for message in found]})
