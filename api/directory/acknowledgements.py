"""Acknowledging an alert: the first one counts and is told; later ones get its answer."""

from sqlalchemy.dialects.postgresql import insert

from api.directory.change import Change
from api.directory.collection import add_event, led_session
from api.directory.models import Acknowledgement
from api.principal import Principal
from schemas.events import AlertAcknowledged


def acknowledge(change: Change, principal: Principal, session_id: str, alert_id: str) -> Acknowledgement:
    """Note who acknowledged the alert. The caller has made sure that it exists."""
    row = led_session(change, principal, session_id, running=False)
    made = change.db.execute(
        insert(Acknowledgement)
        .values(
            session_id=session_id,
            alert_id=alert_id,
            user_id=principal.user_id,
            user_name=principal.name,
            event_id=change.new_id(),
            at_ms=change.now_ms,
        )
        .on_conflict_do_nothing()
        .returning(Acknowledgement.event_id)
    ).scalar()
    if made:
        event = {"event_id": made, "alert_id": alert_id, "actor_name": principal.name}
        add_event(change, row, principal.user_id, AlertAcknowledged, **event)
    return change.db.get_one(Acknowledgement, (session_id, alert_id))
