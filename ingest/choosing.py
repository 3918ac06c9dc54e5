"""Which running class and which member a person meant."""

from collections.abc import Collection, Sequence

from infra.errors import PacelineError
from ingest.gateway.running import RunningSession, SeenParticipant

LIVE_WITHIN_MS = 30_000


def choose_session(sessions: Sequence[RunningSession], wanted: str) -> RunningSession:
    """The running class with this id, type, name or session id; a part of the name will do when it fits one class only."""
    text = wanted.strip().lower()
    exact = [s for s in sessions if text in {str(s.class_id), s.class_type.lower(), s.class_name.lower(), s.session_id}]
    partly = [s for s in sessions if text in s.class_name.lower() or text in s.class_type.lower()]
    found = exact or partly
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{s.class_id or s.session_id} “{s.class_name}” ({s.class_type})" for s in sessions) or "none"
    problem = f"{len(found)} running classes fit {wanted!r}" if found else f"No running class fits {wanted!r}"
    raise PacelineError(problem, f"Running now: {listed}.")


def choose_participant(session: RunningSession, wanted: str, now_ms: int, taken: Collection[int] = ()) -> SeenParticipant:
    """The participant with this id or name; without a wish, the first who sends nothing at present."""
    people = session.participants
    if wanted:
        text = wanted.strip().lower()
        found = [p for p in people if text in {str(p.participant.member_id), p.participant.name.lower()}]
        found = found or [p for p in people if text in p.participant.name.lower()]
    else:
        found = [p for p in people if not _sends(p, now_ms) and p.participant.member_id not in taken][:1]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(
        f"{p.participant.member_id} {p.participant.name}{' (live)' if _sends(p, now_ms) else ''}" for p in people
    )
    problem = f"{len(found)} members fit {wanted!r}" if wanted else "Every member of the class sends already"
    raise PacelineError(problem, f"Name one with --member: {listed}.")


def _sends(seen: SeenParticipant, now_ms: int) -> bool:
    return seen.last_received_ms is not None and now_ms - seen.last_received_ms < LIVE_WITHIN_MS
