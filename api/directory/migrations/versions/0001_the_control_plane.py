"""The control plane: people, classes, sessions, devices, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TABLES = (
    "acknowledgements",
    "collection_log",
    "outbox",
    "sign_in_attempts",
    "users",
    "classes",
    "device_tokens",
    "idempotency_keys",
    "member_profiles",
    "refresh_families",
    "zone_history",
    "refresh_tokens",
    "roster_entries",
    "sessions",
)


def upgrade() -> None:
    """Apply."""
    _create_acknowledgements()
    _create_collection_log()
    _create_outbox()
    _create_sign_in_attempts()
    _create_users()
    _create_classes()
    _create_device_tokens()
    _create_idempotency_keys()
    _create_member_profiles()
    _create_refresh_families()
    _create_zone_history()
    _create_refresh_tokens()
    _create_roster_entries()
    _create_sessions()


def downgrade() -> None:
    """Undo."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_acknowledgements() -> None:
    op.create_table(
        "acknowledgements",
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.String(length=200), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "alert_id", name=op.f("pk_acknowledgements")),
    )


def _create_collection_log() -> None:
    op.create_table(
        "collection_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("event_type", sa.String(length=32), nullable=False),
        sa.Column("event_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_log")),
    )
    op.create_index(op.f("ix_collection_log_class_id"), "collection_log", ["class_id"], unique=False)
    op.create_index(op.f("ix_collection_log_session_id"), "collection_log", ["session_id"], unique=False)


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_waiting", "outbox", ["id"], unique=False, postgresql_where=sa.text("published_at IS NULL AND fault IS NULL")
    )


def _create_sign_in_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("email_sha256", sa.String(length=64), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email_sha256", name=op.f("pk_sign_in_attempts")),
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('member', 'trainer', 'observer', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )


def _create_classes() -> None:
    op.create_table(
        "classes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("class_type", sa.String(length=200), nullable=False),
        sa.Column("trainer_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_duration_s", sa.Integer(), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["trainer_id"], ["users.id"], name=op.f("fk_classes_trainer_id_users"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classes")),
    )
    op.create_index(op.f("ix_classes_starts_at"), "classes", ["starts_at"], unique=False)
    op.create_index(op.f("ix_classes_trainer_id"), "classes", ["trainer_id"], unique=False)


def _create_device_tokens() -> None:
    op.create_table(
        "device_tokens",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(scope = 'member') = (member_id IS NOT NULL)", name=op.f("ck_device_tokens_scope")),
        sa.ForeignKeyConstraint(["member_id"], ["users.id"], name=op.f("fk_device_tokens_member_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_device_tokens")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_device_tokens_token_sha256")),
    )
    op.create_index(op.f("ix_device_tokens_member_id"), "device_tokens", ["member_id"], unique=False)


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)


def _create_member_profiles() -> None:
    op.create_table(
        "member_profiles",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sex", sa.String(length=8), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("mass_kg", sa.Double(), nullable=True),
        sa.Column("max_heart_rate_bpm", sa.Integer(), nullable=True),
        sa.Column("resting_heart_rate_bpm", sa.Integer(), nullable=True),
        sa.Column("threshold_heart_rate_bpm", sa.Integer(), nullable=True),
        sa.Column("ftp_watts", sa.Integer(), nullable=True),
        sa.Column("zone_scheme", sa.String(length=16), server_default="maximum", nullable=False),
        sa.Column("own_zone_floors_bpm", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sex IN ('female', 'male')", name=op.f("ck_member_profiles_sex")),
        sa.CheckConstraint(
            "zone_scheme IN ('maximum', 'reserve', 'threshold', 'own')", name=op.f("ck_member_profiles_zone_scheme")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_member_profiles_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_member_profiles")),
    )


def _create_refresh_families() -> None:
    op.create_table(
        "refresh_families",
        sa.Column("family_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refresh_families_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_refresh_families")),
    )
    op.create_index(op.f("ix_refresh_families_user_id"), "refresh_families", ["user_id"], unique=False)


def _create_zone_history() -> None:
    op.create_table(
        "zone_history",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone_scheme", sa.String(length=16), nullable=False),
        sa.Column("max_heart_rate_bpm", sa.Integer(), nullable=False),
        sa.Column("zone_floors_bpm", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_zone_history_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "valid_from", name=op.f("pk_zone_history")),
    )


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("family_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["refresh_families.family_id"],
            name=op.f("fk_refresh_tokens_family_id_refresh_families"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_expires_at"), "refresh_tokens", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_family_id"), "refresh_tokens", ["family_id"], unique=False)


def _create_roster_entries() -> None:
    op.create_table(
        "roster_entries",
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["classes.id"], name=op.f("fk_roster_entries_class_id_classes"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_roster_entries_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("class_id", "user_id", name=op.f("pk_roster_entries")),
    )
    op.create_index(op.f("ix_roster_entries_user_id"), "roster_entries", ["user_id"], unique=False)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("(state = 'completed') = (ended_at IS NOT NULL)", name=op.f("ck_sessions_ended")),
        sa.CheckConstraint("state IN ('active', 'paused', 'completed')", name=op.f("ck_sessions_state")),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_sessions_class_id_classes"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_class_id"), "sessions", ["class_id"], unique=False)
    op.create_index(
        "ix_sessions_participants",
        "sessions",
        [sa.literal_column("(record -> 'participants')")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_sessions_started_at"), "sessions", ["started_at"], unique=False)
    op.create_index(
        "uq_sessions_running_class", "sessions", ["class_id"], unique=True, postgresql_where=sa.text("state <> 'completed'")
    )
