"""Straps that hubs have seen, and whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "straps",
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("measures", sa.String(length=200), nullable=False),
        sa.Column("signal_dbm", sa.Integer(), nullable=True),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seen_by", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("assigned_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["users.id"], name=op.f("fk_straps_member_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_straps")),
    )
    op.create_index(op.f("ix_straps_member_id"), "straps", ["member_id"], unique=False)
    op.create_index(op.f("ix_straps_seen_at"), "straps", ["seen_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("straps")
