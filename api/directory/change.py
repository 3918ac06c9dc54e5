"""What every change of the control plane is given: the transaction, the time, ids, and who asks."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.directory.outbox import owe_event, owe_message, owe_record
from schemas.directory import DirectoryRecord
from schemas.events import AppEvent
from schemas.messages import LiveMessage


@dataclass(frozen=True)
class Change:
    """One transaction in which something changes, and what it owes to Kafka."""

    db: Session
    now_ms: int
    new_id: Callable[[], str]

    def publish_record(self, record: DirectoryRecord) -> None:
        """Tell the directory when this commits."""
        owe_record(self.db, record, self.new_id(), self.now_ms)

    def publish_event(self, event: AppEvent) -> None:
        """Tell the session's events when this commits."""
        owe_event(self.db, event)

    def publish_message(self, message: LiveMessage) -> None:
        """Tell people when this commits."""
        owe_message(self.db, message)
