"""Users, and members' profiles and limits."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query

from api.directory import people
from api.directory.columns import iso
from api.directory.idempotency import once
from api.directory.models import User
from api.directory.physiology import participant
from api.errors import Forbidden, Unprocessable
from api.principal import Role
from api.routes.access import Admin, Anyone, Once, Only, Parts, RowId
from api.routes.authentication import user_shown
from api.routes.bodies import LimitsIn, ProfileIn, UserIn, UserPatch
from api.services import Services
from schemas.directory import Limits

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1", tags=["people"])


@router.get("/users", summary="List users", dependencies=[Depends(Only("admin"))])
def list_users(services: Parts, role: Role | None = None, limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000) -> Json:
    """By name."""
    with services.reading() as db:
        return {"users": [_shown(user) for user in people.users(db, role, limit)]}


@router.post("/users", summary="Create a user", status_code=201)
def create_user(body: UserIn, principal: Admin, services: Parts, key: Once = None) -> Json:
    """Without a password the user cannot sign in until given one."""
    request = f"user {body.email} {body.role} {body.name}".encode()
    with services.change() as change:

        def do() -> Json:
            digest = services.passwords.digest(body.password.get_secret_value()) if body.password else None
            user = people.add_user(change, email=body.email, name=body.name, role=body.role, password_hash=digest)
            return _shown(user)

        return once(change, principal.user_id, key, request, do)


@router.patch("/users/{user_id}", summary="Change a user")
def change_user(user_id: RowId, body: UserPatch, principal: Admin, services: Parts) -> Json:
    """A new password, a new role or switching off ends every sign-in of the user."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    if user_id == principal.user_id and (changes.get("active") is False or changes.get("role", "admin") != "admin"):
        raise Unprocessable("You cannot take your own admin rights away.", kind="own_rights")
    if changes.pop("password", None) and body.password:
        changes["password_hash"] = services.passwords.digest(body.password.get_secret_value())
    with services.change() as change:
        return _shown(people.change_user(change, user_id, changes))


@router.get("/members/{member_id}/profile", summary="A member's profile and limits")
def profile(member_id: RowId, principal: Anyone, services: Parts) -> Json:
    """For trainers, observers, admins, and the member."""
    if principal.role == "member" and principal.user_id != member_id:
        raise Forbidden("You may only see your own profile.", kind="not_yours")
    return _profile_shown(services, member_id)


@router.put("/members/{member_id}/profile", summary="Set a member's profile", dependencies=[Depends(Only("admin"))])
def set_profile(member_id: RowId, body: ProfileIn, services: Parts) -> Json:
    """Zones change from now on; what past sessions showed stays."""
    with services.change() as change:
        people.put_profile(change, member_id, body.model_dump())
    return _profile_shown(services, member_id)


@router.put(
    "/members/{member_id}/limits", summary="Set a member's alert limits", dependencies=[Depends(Only("trainer", "admin"))]
)
def set_limits(member_id: RowId, body: LimitsIn, services: Parts) -> Json:
    """They hold at once, in a running session too."""
    limits = msgspec.convert(body.model_dump(), Limits)
    with services.change() as change:
        people.put_limits(change, member_id, limits)
    return {"member_id": member_id, "limits": body.model_dump()}


def _shown(user: User) -> Json:
    return user_shown(user) | {
        "active": user.active,
        "may_sign_in": user.active and user.password_hash is not None,
        "created_at": iso(user.created_at_ms),
    }


def _profile_shown(services: Services, member_id: int) -> Json:
    with services.reading() as db:
        held = people.profile_of(db, member_id)
        seen = participant(db.get_one(User, member_id), held, services.clock())
        return {
            "member_id": member_id,
            "name": seen.name,
            "sex": held.sex,
            "birth_date": held.birth_date,
            "age_years": seen.age_years,
            "mass_kg": held.mass_kg,
            "max_heart_rate_bpm": seen.max_heart_rate_bpm,
            "max_heart_rate_measured": seen.max_heart_rate_measured,
            "resting_heart_rate_bpm": held.resting_heart_rate_bpm,
            "threshold_heart_rate_bpm": held.threshold_heart_rate_bpm,
            "ftp_watts": held.ftp_watts,
            "zone_scheme": held.zone_scheme,
            "heart_rate_zone_floors_bpm": seen.heart_rate_zone_floors_bpm,
            "limits": {name: getattr(seen.limits, name) for name in seen.limits.__struct_fields__},
        }
