"""Doing a thing once however often it is asked: the answer is kept with its Idempotency-Key for a day."""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from api.directory.change import Change
from api.directory.models import IdempotencyKey
from api.errors import Conflict, Unprocessable

KEEP_MS = 24 * 3_600_000
Json = dict[str, Any]


def once(change: Change, user_id: int, key: str | None, request: bytes, do: Callable[[], Json]) -> Json:
    """What `do` answers, or what it answered when this user used the key before.

    A second request that comes while the first still runs waits for it. When `do` fails, the key stays unused.

    Raises Unprocessable when the key was used for something else.
    """
    if key is None:
        return do()
    fingerprint = hashlib.sha256(request).hexdigest()
    change.db.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at_ms < change.now_ms - KEEP_MS))
    made = change.db.execute(
        insert(IdempotencyKey)
        .values(user_id=user_id, key=key, request_sha256=fingerprint, created_at_ms=change.now_ms)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).scalar()
    held = change.db.get_one(IdempotencyKey, (user_id, key))
    if made:
        held.answer = do()
        return held.answer
    if held.request_sha256 != fingerprint:
        raise Unprocessable("This Idempotency-Key was used for another request.", kind="idempotency_key_reused")
    if held.answer is None:
        raise Conflict("The first request with this Idempotency-Key has not been answered.", kind="in_progress")
    return held.answer
