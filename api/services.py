"""Everything the routes use, put together once; the only place that knows how parts are made."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from anyio import CapacityLimiter
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.auth.limits import RateLimit
from api.auth.passwords import AT_ONCE, Passwords
from api.auth.refresh import Refresh
from api.auth.sign_in import SignIn
from api.auth.tokens import Tokens
from api.directory.change import Change
from api.directory.outbox import Relay
from api.live_source import LiveSource
from infra.clock import Clock
from infra.ordered_publisher import OrderedPublisher
from infra.postgres import open_engine
from infra.settings import Settings
from infra.warehouse_reader import WarehouseReader


@dataclass(frozen=True)
class Services:
    """One API process's parts. `new_id` makes UUIDs, `new_secret` makes texts that nobody can guess."""

    settings: Settings
    clock: Clock
    new_id: Callable[[], str]
    new_secret: Callable[[], str]
    engine: Engine
    sessions: sessionmaker[Session]
    passwords: Passwords
    tokens: Tokens
    sign_in: SignIn
    password_turns: CapacityLimiter
    refresh: Refresh
    requests: RateLimit
    sign_ins: RateLimit
    warehouse: WarehouseReader
    relay: Relay
    kafka: OrderedPublisher
    """Only asked whether Kafka answers; the relay has a producer of its own."""
    hub: LiveSource

    @classmethod
    def make(cls, settings: Settings, clock: Clock, hub: LiveSource) -> Self:
        """Nothing connects yet."""
        engine = open_engine(settings)
        sessions = sessionmaker(engine, expire_on_commit=False)
        passwords = Passwords()

        def new_id() -> str:
            return str(uuid4())

        def new_secret() -> str:
            return secrets.token_urlsafe(32)

        refresh = Refresh(sessions, clock, lifetime_s=settings.refresh_token_s, new_id=new_id, new_secret=new_secret)
        return cls(
            settings=settings,
            clock=clock,
            new_id=new_id,
            new_secret=new_secret,
            engine=engine,
            sessions=sessions,
            passwords=passwords,
            tokens=Tokens(settings, clock, new_id),
            password_turns=CapacityLimiter(AT_ONCE),
            sign_in=SignIn(sessions, passwords, clock),
            refresh=refresh,
            requests=RateLimit("user", settings.requests_per_minute, clock),
            sign_ins=RateLimit("address", settings.sign_ins_per_minute, clock),
            warehouse=WarehouseReader(settings),
            relay=Relay(settings, clock),
            kafka=OrderedPublisher(settings),
            hub=hub,
        )

    @contextmanager
    def change(self) -> Iterator[Change]:
        """A transaction for writing: committed when the block ends, rolled back when it fails."""
        with self.sessions.begin() as db:
            yield Change(db, self.clock(), self.new_id)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction for reading."""
        with self.sessions.begin() as db:
            yield db

    def postgres_answers(self) -> bool:
        """Whether PostgreSQL answers now."""
        try:
            with self.engine.connect() as connection:
                return connection.execute(text("SELECT 1")).scalar() == 1
        except SQLAlchemyError:
            return False

    def close(self) -> None:
        """Publish what is in hand and leave every server."""
        self.relay.stop()
        self.kafka.close()
        self.warehouse.close()
        self.engine.dispose()
