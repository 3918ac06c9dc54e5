"""How the control plane's tables spell time and names."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Moment(TypeDecorator[int]):
    """Milliseconds since 1970 in Python, `timestamptz` in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Any) -> datetime | None:
        return None if value is None else EPOCH + value * MILLISECOND

    def process_result_value(self, value: datetime | None, _dialect: Any) -> int | None:
        return None if value is None else (value - EPOCH) // MILLISECOND


def iso(epoch_ms: int) -> str:
    """ISO 8601 in UTC, as the REST answers write moments."""
    return (EPOCH + epoch_ms * MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Model(DeclarativeBase):
    """Every table of the control plane, with constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
