"""Whether a sign-in still holds: signing out, a new password or role, or switching off ends its access tokens too."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.directory.models import RefreshFamily
from infra.clock import Clock
from infra.telemetry.logs import logger

log = logger(__name__)
GOOD_FOR_MS = 5_000
KEPT_MAX = 50_000
"""Beyond this the longest unasked are forgotten; a forgotten one is asked for again."""
Ended = Callable[[Collection[str]], set[str]]
"""Of these sign-ins, those that ended."""


class Standing:
    """Asks PostgreSQL about a sign-in at most every GOOD_FOR_MS.

    While PostgreSQL is away what was known last holds, and a sign-in never asked about is trusted until its token expires:
    whoever watches a class goes on watching. Threads share one.
    """

    def __init__(self, sessions: sessionmaker[Session], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._known: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def fresh(self, sign_in_id: str) -> bool:
        """Whether `ended` would answer without asking PostgreSQL."""
        asked_at_ms, holds = self._known.get(sign_in_id, (None, True))
        return not holds or (asked_at_ms is not None and self._clock() - asked_at_ms < GOOD_FOR_MS)

    def ended(self, sign_in_ids: Collection[str]) -> set[str]:
        """Those that ended, or that never began. Blocks while PostgreSQL is asked."""
        unsure = {one for one in sign_in_ids if not self.fresh(one)}
        if unsure:
            self._ask(unsure)
        return {one for one in sign_in_ids if not self._known.get(one, (0, True))[1]}

    def _ask(self, sign_in_ids: set[str]) -> None:
        now_ms = self._clock()
        try:
            with self._sessions.begin() as db:
                family = RefreshFamily
                holding = select(family.family_id).where(family.family_id.in_(sign_in_ids), family.revoked_at_ms.is_(None))
                holders = set(db.scalars(holding))
            found = {one: one in holders for one in sign_in_ids}
        except SQLAlchemyError as failure:
            log.warning("sign_ins_not_checked", failure=str(failure)[:200])
            found = dict.fromkeys(sign_in_ids, True)
        with self._lock:
            for one, holds in found.items():
                self._known[one] = (now_ms, holds)
                self._known.move_to_end(one)
            while len(self._known) > KEPT_MAX:
                self._known.popitem(last=False)
