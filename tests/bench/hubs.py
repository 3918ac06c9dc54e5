"""The hubs of a club: every member's strap once a second, evenly spread over it, in small frames over `/v1/stream`."""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter

import msgspec

from ingest.device_client import Reply
from tests.bench.club import Club, RunningClass
from tests.bench.ledger import Ledger
from tests.bench.light_socket import LightSocket

FRAMES_PER_S = 5
"""Of each hub: a frame holds a fifth of its class."""
CLIMB_BPM = (138, 152, 166, 178, 190)
"""Slowly enough that nobody takes it for a broken strap, even when two of these events share a second: a strap's events come a
second apart, give or take what the sender is late, and a jump of more than 30 bpm is distrusted for five seconds."""
CLIMB_S = 18
"""Above the limit of 180 for longer than the rule's ten seconds, with the event that closes the last of them."""
_reply = msgspec.json.Decoder(Reply)


@dataclass
class Hub:
    """One class's stream to the gateway."""

    of: RunningClass
    accepted: int = 0
    refused: list[str] = field(default_factory=list)
    resent: int = 0
    _socket: LightSocket | None = None
    _unanswered: dict[int, bytes] = field(default_factory=dict)

    async def connect(self, gateway_url: str, patience_s: float = 30) -> None:
        """Open the stream; the gateway may have to hear of the token first."""
        url = gateway_url.replace("http", "ws", 1) + "/v1/stream"
        deadline = perf_counter() + patience_s
        while True:
            socket = LightSocket(url, self._hear, {"Authorization": f"Bearer {self.of.hub_token}"})
            await socket.connect()
            await asyncio.wait({socket.closed}, timeout=0.2)
            if socket.usable:
                self._socket = socket
                return
            if perf_counter() > deadline:
                raise ConnectionRefusedError(f"the gateway closed the hub's stream with {socket.closed.result()}")

    def send(self, number: int, events: Iterable[bytes]) -> None:
        """One frame; sent again when the gateway says that it took nothing."""
        frame = b'{"type":"events","id":%d,"events":[%b]}' % (number, b",".join(events))
        self._unanswered[number] = frame
        self._write(frame)

    @property
    def waiting(self) -> int:
        """Frames without an answer."""
        return len(self._unanswered)

    def close(self) -> None:
        if self._socket:
            self._socket.abort()

    def _write(self, frame: bytes) -> None:
        if self._socket:
            self._socket.send(frame)

    def _hear(self, text: bytes) -> None:
        reply = _reply.decode(text)
        if reply.id is None:
            return
        frame = self._unanswered.pop(reply.id, b"")
        if reply.type == "slow_down" or reply.unconfirmed:
            self.resent += 1
            self._unanswered[reply.id] = frame
            asyncio.get_running_loop().call_later(reply.retry_after_s, self._write, frame)
            return
        self.accepted += reply.accepted
        self.refused += [str(one) for one in reply.rejected] or ([reply.detail] if reply.type == "error" else [])


class Straps:
    """Sends for all classes until stopped, one frame at a time in equal distances."""

    def __init__(self, club: Club, hubs: list[Hub], ledger: Ledger, climbs_per_s: float, rng: random.Random) -> None:
        self.late_s: list[float] = []
        """By how much each frame left after its time: what the sender itself cannot keep up with."""
        self.climbs: dict[int, int] = {}
        """Members sent above their limit so far, by how often."""
        self._club = club
        self._hubs = hubs
        self._ledger = ledger
        self._climbs_per_s = climbs_per_s
        self._rng = rng
        self._climbing: dict[int, int] = {}
        """Members that climb now, with the seconds since they began."""
        self._rested = [member for one in club.classes for member in one.members]
        rng.shuffle(self._rested)
        self._stop = False

    def stop(self) -> None:
        self._stop = True

    @property
    def climbing(self) -> int:
        """How many are above their limit, or on the way there, at the moment."""
        return len(self._climbing)

    async def run(self, climbs_until_s: float) -> None:
        """Send until stopped. No climb begins after `climbs_until_s` from now, so that all can be completed."""
        began = perf_counter()
        in_all = len(self._hubs) * FRAMES_PER_S
        frame = 0
        climbs = 0.0
        while not self._stop:
            due = began + frame / in_all
            pause = due - perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            self.late_s.append(perf_counter() - due)
            at, slot = frame % len(self._hubs), frame // len(self._hubs) % FRAMES_PER_S
            self._send_one(self._hubs[at], frame, slot)
            frame += 1
            climbs += self._climbs_per_s / in_all
            while climbs >= 1:
                climbs -= 1
                if perf_counter() - began < climbs_until_s:
                    self._begin_climb()

    def _begin_climb(self) -> None:
        if not self._rested:
            return
        member = self._rested.pop()
        self._climbing[member] = 0
        self.climbs[member] = self.climbs.get(member, 0) + 1
        self._ledger.watch_for_alert(member)

    def _send_one(self, hub: Hub, number: int, slot: int) -> None:
        at_ms = time.time_ns() // 1_000_000
        now_s = perf_counter()
        events = []
        for member in hub.of.members[slot::FRAMES_PER_S]:
            events.append(self._event(hub.of.session_id, member, at_ms, self._heart_rate(member, number)))
            self._ledger.handed(member, at_ms, now_s)
        hub.send(number, events)

    def _heart_rate(self, member: int, number: int) -> int:
        """An ordinary effort around 130 bpm, or the climb."""
        second = self._climbing.get(member)
        if second is None:
            return 124 + (member * 7 + number // 250) % 13
        self._climbing[member] = second + 1
        if second >= CLIMB_S:
            del self._climbing[member]
            return 165
        return CLIMB_BPM[min(second, len(CLIMB_BPM) - 1)] + second % 2

    @staticmethod
    def _event(session_id: str, member: int, at_ms: int, bpm: int) -> bytes:
        return (
            b'{"type":"heart_rate","event_id":"s%d:%d","member_id":%d,"session_id":"%b","device_id":"strap-%d",'
            b'"event_time_ms":%d,"heart_rate_bpm":%d,"rr_ms":[%d]}'
            % (member, at_ms, member, session_id.encode(), member, at_ms, bpm, 60_000 // bpm)
        )
