"""Who is asking: the verified identity behind a request or a socket."""

from dataclasses import dataclass
from typing import Literal

from schemas.directory import SessionRecord

Role = Literal["member", "trainer", "observer", "admin"]


@dataclass(frozen=True)
class Principal:
    """A signed-in user, as the access token says, until `expires_at_ms` or the end of the sign-in that it belongs to."""

    user_id: int
    name: str
    role: Role
    expires_at_ms: int
    sign_in_id: str

    def may_watch(self, session: SessionRecord) -> bool:
        """Trainers, observers and admins watch every session; a member those they take part in."""
        return self.role != "member" or any(p.member_id == self.user_id for p in session.participants)

    def may_lead(self, trainer_id: int | None) -> bool:
        """Starting, ending, marking, acknowledging: the class's own trainer, or an admin."""
        return self.role == "admin" or (self.role == "trainer" and trainer_id in {self.user_id, None})
