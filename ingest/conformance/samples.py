"""The events that the kit sends: the author's own, or beats of ours."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from infra.errors import PacelineError
from ingest.decoding import Malformed, TooMany, decode_event, split_json, split_lines
from ingest.outcomes import Outcome

Event = dict[str, Any]
BEATS = 5
OF_ITS_DAY = {"session_id", "received_time_ms"}
"""What a recorded event says of when it was recorded."""


def read_samples(file: Path) -> list[Event]:
    """The events of a JSON or NDJSON file, as one source would send them in one request.

    Raises PacelineError that names every event which no gateway would take, and why.
    """
    try:
        body = file.read_bytes()
    except OSError as fault:
        raise PacelineError(f"{file} cannot be read: {fault.strerror}") from None
    try:
        raws = split_lines(body) if file.suffix in {".ndjson", ".jsonl"} else split_json(body)
    except (Malformed, TooMany) as fault:
        raise PacelineError(
            f"{file}: {fault}", "Write one JSON array, or one event a line in a file that ends in .ndjson."
        ) from None
    faults = [
        f"event {place}: {found.reason}: {found.detail}"
        for place, raw in enumerate(raws, 1)
        if isinstance(found := decode_event(raw), Outcome)
    ]
    if faults or not raws:
        what = "\n  ".join(["no gateway would take:", *faults[:20]]) if faults else "holds no event"
        raise PacelineError(f"{file} {what}", "docs/devices.md lists the fields; their schemas are in schemas/generated.")
    samples = [msgspec.json.decode(raw) for raw in raws]
    ids = [(sample["member_id"], sample["event_id"]) for sample in samples]
    if len(set(ids)) < len(ids):
        raise PacelineError(
            f"{file} uses an event id twice for one member", "An id is for one event only: the second would be dropped."
        )
    return samples


def beats(now_ms: int) -> list[Event]:
    """A few seconds of a strap."""
    return [
        {"type": "heart_rate", "device_id": "verify", "event_time_ms": now_ms - 1000 * (BEATS - n), "heart_rate_bpm": 140 + n}
        for n in range(BEATS)
    ]


@dataclass
class Samples:
    """Makes events of this run from samples: new ids, recent times, one member if asked for."""

    samples: list[Event]
    run: str
    member_id: int | None
    _made: int = field(default=0)

    def make(self, now_ms: int, **changes: Any) -> list[Event]:
        """The samples as if their newest had been measured just now; the distances between them stay."""
        newest_ms = max(sample["event_time_ms"] for sample in self.samples)
        return [self._new(sample, now_ms - (newest_ms - sample["event_time_ms"]), changes) for sample in self.samples]

    def one(self, event_time_ms: int, **changes: Any) -> Event:
        """The first sample at this time."""
        return self._new(self.samples[0], event_time_ms, changes)

    def probe(self, event_time_ms: int, **changes: Any) -> Event:
        """The first sample from a device that does not exist, so that its odd times say nothing about a real one's clock."""
        return self.one(event_time_ms, device_id=f"verify-{self.run}", **changes)

    def _new(self, sample: Event, event_time_ms: int, changes: dict[str, Any]) -> Event:
        self._made += 1
        kept = {name: value for name, value in sample.items() if name not in OF_ITS_DAY}
        event = {**kept, "event_id": f"verify-{self.run}-{self._made}", "event_time_ms": event_time_ms}
        if self.member_id is not None:
            event["member_id"] = self.member_id
        return {**event, **changes}
