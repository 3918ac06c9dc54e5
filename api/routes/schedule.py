"""Classes on the schedule and their rosters."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from api.directory.classes import add_class, class_detail, classes, put_roster
from api.directory.idempotency import once
from api.errors import Forbidden
from api.principal import Principal
from api.routes.access import Anyone, Leader, Once, Parts, RowId
from api.routes.bodies import ClassIn, Roster
from schemas.directory import ClassLimits, Segment

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1/classes", tags=["classes"])


@router.get("", summary="List classes")
def list_classes(principal: Anyone, services: Parts, limit: Annotated[int, Query(ge=1, le=1_000)] = 200) -> Json:
    """Those nearest to now, soonest start first, each with its running session; members see their own classes."""
    with services.reading() as db:
        return {"classes": classes(db, principal, limit, services.clock())}


@router.post("", summary="Create a class", status_code=201)
def create_class(body: ClassIn, principal: Leader, services: Parts, key: Once = None) -> Json:
    """A trainer's class is led by that trainer; an admin names the trainer."""
    with services.change() as change:

        def do() -> Json:
            training = add_class(
                change,
                name=body.name,
                class_type=body.class_type,
                trainer_id=_trainer(body, principal),
                starts_at_ms=round(body.starts_at.timestamp() * 1000),
                planned_duration_s=body.planned_duration_s,
                segments=[Segment(name=s.name, duration_s=s.duration_s) for s in body.segments],
                member_ids=body.member_ids,
                limits=msgspec.convert(body.limits.model_dump(), ClassLimits),
            )
            return class_detail(change.db, principal, training.id)

        return once(change, principal.user_id, key, b"class" + body.model_dump_json().encode(), do)


@router.get("/{class_id}", summary="One class with its roster")
def one_class(class_id: RowId, principal: Anyone, services: Parts) -> Json:
    """A member sees their own classes, without the others' names."""
    with services.reading() as db:
        return class_detail(db, principal, class_id)


@router.put("/{class_id}/roster", summary="Set the roster")
def set_roster(class_id: RowId, body: Roster, principal: Leader, services: Parts) -> Json:
    """Exactly these members; a running session follows at once."""
    with services.change() as change:
        put_roster(change, principal, class_id, body.member_ids)
        change.db.flush()
        return class_detail(change.db, principal, class_id)


def _trainer(body: ClassIn, principal: Principal) -> int | None:
    if principal.role == "admin":
        return body.trainer_id
    if body.trainer_id not in {None, principal.user_id}:
        raise Forbidden("A trainer creates classes of their own.", kind="not_your_class")
    return principal.user_id
