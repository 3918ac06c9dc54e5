"""What a running gateway is made of."""

import asyncio
from dataclasses import dataclass

from infra.clock import Clock
from infra.directory import DirectoryReader
from ingest.gateway.access import Access
from ingest.gateway.bodies import Budget
from ingest.gateway.door import Door
from ingest.gateway.streams import Streams
from ingest.publisher import Publisher

READ_WITHIN_S = 30.0


@dataclass(frozen=True)
class Parts:
    """Made once at start, and handed to the routes."""

    clock: Clock
    reader: DirectoryReader
    publisher: Publisher
    access: Access
    door: Door
    streams: Streams
    budget: Budget
    read_within_s: float = READ_WITHIN_S
    """So long a request's body may take to come."""

    async def close(self) -> None:
        """Send hubs away, finish what is on its way, leave Kafka."""
        self.streams.close_all()
        await self.publisher.close()
        await asyncio.to_thread(self.reader.close)
