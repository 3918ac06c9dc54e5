"""Everything the routes use, put together once; the only place that knows how parts are made."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from anyio import CapacityLimiter
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.auth.limits import RateLimit
from api.auth.passwords import AT_ONCE, Passwords
from api.auth.refresh import Refresh
from api.auth.sign_in import SignIn
from api.auth.standing import Ended, Standing
from api.auth.tokens import Tokens
from api.directory.change import Change
from api.directory.outbox import Relay
from api.live_path.sender import SyntheticMember
from api.live_source import LiveSource
from api.principal import Principal
from api.readiness import Readiness, outbox_moves, postgres_answers
from infra.clock import Clock
from infra.ordered_publisher import OrderedPublisher
from infra.postgres import open_engine
from infra.settings import Settings
from infra.warehouse_reader import WarehouseReader

MESSAGES_PER_MINUTE = 30
"""Of one user: more than anybody types."""
OpenHub = Callable[[Settings, Clock, Callable[[str], Principal], Ended], LiveSource]


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
    standing: Standing
    requests: RateLimit
    sign_ins: RateLimit
    messages: RateLimit
    warehouse: WarehouseReader
    relay: Relay
    kafka: OrderedPublisher
    """Only asked whether Kafka answers; the relay has a producer of its own."""
    hub: LiveSource
    synthetic: SyntheticMember
    readiness: Readiness

    @classmethod
    def make(cls, settings: Settings, clock: Clock, open_hub: OpenHub, passwords: Passwords) -> Self:
        """Nothing connects yet."""
        engine = open_engine(settings)
        sessions = sessionmaker(engine, expire_on_commit=False)

        def new_id() -> str:
            return str(uuid4())

        def new_secret() -> str:
            return secrets.token_urlsafe(32)

        refresh = Refresh(sessions, clock, lifetime_s=settings.refresh_token_s, new_id=new_id, new_secret=new_secret)
        tokens, standing = Tokens(settings, clock, new_id), Standing(sessions, clock)
        warehouse, relay, kafka = WarehouseReader(settings), Relay(settings, clock), OrderedPublisher(settings)
        checks = {
            "postgres": lambda: postgres_answers(engine),
            "kafka": kafka.answers,
            "warehouse": warehouse.answers,
            "outbox": lambda: relay.alive() and outbox_moves(engine, clock()),
        }
        hub = open_hub(settings, clock, tokens.verify, standing.ended)
        synthetic = SyntheticMember(settings, clock, time.monotonic, uuid4().hex, hub.ready)
        hub.listen_synthetic(synthetic.came_back)
        return cls(
            settings=settings,
            clock=clock,
            new_id=new_id,
            new_secret=new_secret,
            engine=engine,
            sessions=sessions,
            passwords=passwords,
            tokens=tokens,
            password_turns=CapacityLimiter(AT_ONCE),
            sign_in=SignIn(sessions, passwords, clock),
            refresh=refresh,
            standing=standing,
            requests=RateLimit("user", settings.requests_per_minute, clock),
            messages=RateLimit("messages", MESSAGES_PER_MINUTE, clock),
            sign_ins=RateLimit("address", settings.sign_ins_per_minute, clock),
            warehouse=warehouse,
            relay=relay,
            kafka=kafka,
            hub=hub,
            synthetic=synthetic,
            readiness=Readiness(checks, clock),
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

    def close(self) -> None:
        """Publish what is in hand and leave every server."""
        self.relay.stop()
        self.kafka.close()
        self.warehouse.close()
        self.engine.dispose()
