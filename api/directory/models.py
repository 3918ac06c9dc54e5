"""The control plane's tables: people, classes, sessions, devices, and the outbox that tells the rest of the house."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from api.directory.columns import Model, Moment

Json = dict[str, Any]


def _references(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


class User(Model):
    """A person who may sign in; for members, `id` is the member id that devices name."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('member', 'trainer', 'observer', 'admin')", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(Text)
    """argon2id; a user without one cannot sign in."""
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)


class SignInAttempts(Model):
    """Failed sign-ins by address, known or not, so that an answer never tells which addresses exist."""

    __tablename__ = "sign_in_attempts"

    email_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    failed: Mapped[int] = mapped_column(Integer)
    locked_until_ms: Mapped[int | None] = mapped_column("locked_until", Moment)
    last_at_ms: Mapped[int] = mapped_column("last_at", Moment)


class MemberProfile(Model):
    """What physiology the zones and scores of a member rest on."""

    __tablename__ = "member_profiles"
    __table_args__ = (
        CheckConstraint("zone_scheme IN ('maximum', 'reserve', 'threshold', 'own')", name="zone_scheme"),
        CheckConstraint("sex IN ('female', 'male')", name="sex"),
    )

    user_id: Mapped[int] = mapped_column(_references("users.id"), primary_key=True)
    sex: Mapped[str | None] = mapped_column(String(8))
    birth_date: Mapped[Any | None] = mapped_column(Date)
    mass_kg: Mapped[float | None]
    max_heart_rate_bpm: Mapped[int | None]
    """Measured; unknown means estimated from age."""
    resting_heart_rate_bpm: Mapped[int | None]
    threshold_heart_rate_bpm: Mapped[int | None]
    ftp_watts: Mapped[int | None]
    zone_scheme: Mapped[str] = mapped_column(String(16), server_default="maximum")
    own_zone_floors_bpm: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    limits: Mapped[Json] = mapped_column(JSONB, server_default="{}")
    updated_at_ms: Mapped[int] = mapped_column("updated_at", Moment)


class ZoneHistory(Model):
    """Which zones a member had from when on; written at each change, never rewritten."""

    __tablename__ = "zone_history"

    user_id: Mapped[int] = mapped_column(_references("users.id"), primary_key=True)
    valid_from_ms: Mapped[int] = mapped_column("valid_from", Moment, primary_key=True)
    zone_scheme: Mapped[str] = mapped_column(String(16))
    max_heart_rate_bpm: Mapped[int]
    zone_floors_bpm: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class TrainingClass(Model):
    """A class on the schedule."""

    __tablename__ = "classes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    class_type: Mapped[str] = mapped_column(String(200))
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    starts_at_ms: Mapped[int] = mapped_column("starts_at", Moment, index=True)
    planned_duration_s: Mapped[int]
    segments: Mapped[list[Json]] = mapped_column(JSONB, server_default="[]")
    limits: Mapped[Json] = mapped_column(JSONB, server_default="{}")
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)


class RosterEntry(Model):
    """A member expected in a class."""

    __tablename__ = "roster_entries"

    class_id: Mapped[int] = mapped_column(_references("classes.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(_references("users.id"), primary_key=True, index=True)


class CollectionSession(Model):
    """One data collection of a class. `record` is the SessionRecord as last published; the columns repeat what is searched."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'completed')", name="state"),
        CheckConstraint("(state = 'completed') = (ended_at IS NOT NULL)", name="ended"),
        Index("uq_sessions_running_class", "class_id", unique=True, postgresql_where=text("state <> 'completed'")),
        Index("ix_sessions_participants", text("(record -> 'participants')"), postgresql_using="gin"),
    )

    session_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    class_id: Mapped[int] = mapped_column(_references("classes.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    started_at_ms: Mapped[int] = mapped_column("started_at", Moment, index=True)
    ended_at_ms: Mapped[int | None] = mapped_column("ended_at", Moment)
    record: Mapped[Json] = mapped_column(JSONB)


class CollectionLog(Model):
    """Every start, pause, end and error of a collection, with its data."""

    __tablename__ = "collection_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    class_id: Mapped[int] = mapped_column(BigInteger, index=True)
    session_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False), index=True)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    event_type: Mapped[str] = mapped_column(String(32))
    event_data: Mapped[Json] = mapped_column(JSONB)
    at_ms: Mapped[int] = mapped_column("at", Moment)


class Acknowledgement(Model):
    """Who acknowledged an alert first; a second one changes nothing."""

    __tablename__ = "acknowledgements"

    session_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    user_name: Mapped[str] = mapped_column(String(200))
    event_id: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int] = mapped_column("at", Moment)


class SentMessage(Model):
    """A message between trainer and members of a session; without a recipient it is for the whole class."""

    __tablename__ = "live_messages"
    __table_args__ = (
        Index("ix_live_messages_session", "session_id", "created_at"),
        Index("ix_live_messages_recipient", "recipient_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    session_id: Mapped[str] = mapped_column(_references("sessions.session_id"))
    sender_id: Mapped[int] = mapped_column(_references("users.id"), index=True)
    sender_role: Mapped[str] = mapped_column(String(16))
    recipient_id: Mapped[int | None] = mapped_column(_references("users.id"))
    message: Mapped[str] = mapped_column(Text)
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)


class RefreshFamily(Model):
    """One sign-in on one device: the chain of its refresh tokens."""

    __tablename__ = "refresh_families"

    family_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    user_id: Mapped[int] = mapped_column(_references("users.id"), index=True)
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)
    revoked_at_ms: Mapped[int | None] = mapped_column("revoked_at", Moment)
    revoked_because: Mapped[str | None] = mapped_column(String(64))


class RefreshToken(Model):
    """One link of the chain: good once."""

    __tablename__ = "refresh_tokens"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    family_id: Mapped[str] = mapped_column(_references("refresh_families.family_id"), index=True)
    expires_at_ms: Mapped[int] = mapped_column("expires_at", Moment, index=True)
    used_at_ms: Mapped[int | None] = mapped_column("used_at", Moment)


class DeviceToken(Model):
    """A device token's digest and right; the token itself is shown once and kept nowhere."""

    __tablename__ = "device_tokens"
    __table_args__ = (CheckConstraint("(scope = 'member') = (member_id IS NOT NULL)", name="scope"),)

    token_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    device_id: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(16))
    member_id: Mapped[int | None] = mapped_column(_references("users.id"), index=True)
    revoked_at_ms: Mapped[int | None] = mapped_column("revoked_at", Moment)
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)


class Strap(Model):
    """A Bluetooth strap, sensor or machine that a hub has seen, and whose it is; one that is nobody's is not connected."""

    __tablename__ = "straps"

    address: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    measures: Mapped[str] = mapped_column(String(200))
    signal_dbm: Mapped[int | None] = mapped_column(Integer)
    battery_percent: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    seen_by: Mapped[str] = mapped_column(String(64))
    seen_at_ms: Mapped[int] = mapped_column("seen_at", Moment, index=True)
    member_id: Mapped[int | None] = mapped_column(_references("users.id"), index=True)
    assigned_by: Mapped[int | None] = mapped_column(BigInteger)


class IdempotencyKey(Model):
    """The answer that a key was given, so that a repeated request gets the same and does nothing again."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(_references("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    answer: Mapped[Json | None] = mapped_column(JSONB)
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment, index=True)


class OutboxRow(Model):
    """A message that its transaction owes to Kafka. Published in the order of `id`."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "id", postgresql_where=text("published_at IS NULL AND fault IS NULL")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str] = mapped_column(String(200))
    key: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    event_id: Mapped[str] = mapped_column(String(64))
    created_at_ms: Mapped[int] = mapped_column("created_at", Moment)
    published_at_ms: Mapped[int | None] = mapped_column("published_at", Moment)
    fault: Mapped[str | None] = mapped_column(Text)
    """Why Kafka can never take it; such a row is set aside and counted, and does not hold up the others."""
