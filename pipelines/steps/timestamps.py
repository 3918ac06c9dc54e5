"""Times as people and other systems write them."""

from datetime import UTC, datetime


def iso_utc(epoch_ms: int) -> str:
    """ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
