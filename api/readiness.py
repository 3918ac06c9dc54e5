"""Whether this process can do its work: every part is asked, none for long, and all together at most once a second."""

from collections.abc import Callable, Mapping

import anyio
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from api.directory.models import OutboxRow
from infra.clock import Clock

PATIENCE_S = 1.5
"""Whoever waits for /ready gives it two seconds."""
FRESH_MS = 1_000
OWED_MS_MAX = 30_000
"""What the outbox has owed for longer means that nobody publishes it, here or in another replica."""


class Readiness:
    """`checks` run on threads of their own, so that a server that hangs takes none from requests; a late one has failed,
    and so has the next until the late one has returned."""

    def __init__(self, checks: Mapping[str, Callable[[], bool]], clock: Clock) -> None:
        self._checks = checks
        self._clock = clock
        self._found: dict[str, bool] = {}
        self._found_at_ms = 0
        self._turn = anyio.Lock()
        self._busy: set[str] = set()
        self._threads = CapacityLimiter(len(checks))

    async def now(self) -> dict[str, bool]:
        """Each check by name, as it stood at most a second ago."""
        async with self._turn:
            if not self._found or self._clock() - self._found_at_ms >= FRESH_MS:
                self._found = await self._ask()
                self._found_at_ms = self._clock()
            return self._found

    async def _ask(self) -> dict[str, bool]:
        found = dict.fromkeys(self._checks, False)

        async def ask(name: str) -> None:
            with anyio.move_on_after(PATIENCE_S):
                found[name] = await to_thread.run_sync(self._check, name, abandon_on_cancel=True, limiter=self._threads)

        async with anyio.create_task_group() as group:
            for name in set(self._checks) - self._busy:
                self._busy.add(name)
                group.start_soon(ask, name)
        return found

    def _check(self, name: str) -> bool:
        try:
            return self._checks[name]()
        finally:
            self._busy.discard(name)


def postgres_answers(engine: Engine) -> bool:
    """Whether PostgreSQL answers now."""
    try:
        with engine.connect() as connection:
            return connection.execute(select(1)).scalar() == 1
    except SQLAlchemyError:
        return False


def outbox_moves(engine: Engine, now_ms: int) -> bool:
    """Whether nothing has waited for long to be published."""
    waiting = OutboxRow.published_at_ms.is_(None) & OutboxRow.fault.is_(None)
    oldest = select(OutboxRow.created_at_ms).where(waiting).order_by(OutboxRow.id).limit(1)
    try:
        with engine.connect() as connection:
            owed_since_ms = connection.execute(oldest).scalar()
    except SQLAlchemyError:
        return False
    return owed_since_ms is None or now_ms - owed_since_ms < OWED_MS_MAX
