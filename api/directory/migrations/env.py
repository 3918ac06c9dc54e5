"""Alembic's entry: runs on the connection that `api.directory.migrate` hands over."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection

import api.directory.models  # noqa: F401 # fills the metadata
from api.directory.columns import Model, Moment

connection: Connection = context.config.attributes["connection"]


def render_item(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """Migrations name the database's own types, not ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    compare_type=True,
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
