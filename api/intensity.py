"""The class's intensity over time, out of what the hub followed and what the warehouse keeps."""

from api.push.channels import CLASS_METRICS_FROM_ACTIVE
from api.queries.session_intensity import Point, session_intensity
from infra.errors import Unavailable
from infra.warehouse_reader import WarehouseReader
from schemas.directory import SessionRecord

FOLLOWED_FROM_START_MS = 75_000
"""The hub has followed the class from its start when its first point lies no later than this."""


def intensity_points(
    warehouse: WarehouseReader, record: SessionRecord, followed: list[Point], member_id: int | None
) -> list[Point]:
    """By time: `followed` by the hub every five seconds, and by the minute what was before that, or everything afterwards.

    A member gets the minutes in which nobody can be told apart. Raises Unavailable when nothing at all can be shown.
    """
    if record.state == "completed" or member_id is not None:
        followed = []
    if followed and followed[0][0] <= record.started_at_ms + FOLLOWED_FROM_START_MS:
        return followed
    members_min = 1 if member_id is None else CLASS_METRICS_FROM_ACTIVE
    try:
        minutes = session_intensity(warehouse, session_id=record.session_id, members_min=members_min)
    except Unavailable:
        if followed:
            return followed
        raise
    if followed:
        return [point for point in minutes if point[0] < followed[0][0]] + followed
    ended_at_ms = record.ended_at_ms
    return [(at_ms if ended_at_ms is None else min(at_ms, ended_at_ms), value) for at_ms, value in minutes]
