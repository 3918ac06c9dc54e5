"""What a running gateway is made of."""

from dataclasses import dataclass

from infra.clock import Clock
from infra.directory import Directory
from ingest.gateway.access import Access
from ingest.gateway.bodies import Budget
from ingest.gateway.door import Door
from ingest.gateway.streams import Streams
from ingest.publisher import Publisher


@dataclass(frozen=True)
class Parts:
    """Made once at start, and handed to the routes."""

    clock: Clock
    directory: Directory
    publisher: Publisher
    access: Access
    door: Door
    streams: Streams
    budget: Budget
