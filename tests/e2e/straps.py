"""Straps under a test's hand: each member's heart rate is what the test says, sent once a second through the real gateway."""

import threading
import time
from dataclasses import dataclass, field

import httpx


@dataclass
class Straps:
    """Sends one heart-rate event a second for every member that has a strap."""

    gateway_url: str
    token: str
    heart_rates: dict[int, int]
    silent: set[int] = field(default_factory=set)
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="straps", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        with httpx.Client(base_url=self.gateway_url, headers={"Authorization": f"Bearer {self.token}"}, timeout=20) as client:
            due = time.time()
            while not self._stop.is_set():
                self._send(client)
                due += 1
                self._stop.wait(max(0.0, due - time.time()))

    def _send(self, client: httpx.Client) -> None:
        now_ms = int(time.time() * 1000)
        events = [
            {
                "type": "heart_rate",
                "event_id": f"strap-{member}:{now_ms}",
                "member_id": member,
                "device_id": f"strap-{member}",
                "event_time_ms": now_ms,
                "heart_rate_bpm": bpm + (now_ms // 1000 + member) % 2,
            }
            for member, bpm in self.heart_rates.items()
            if member not in self.silent
        ]
        try:
            answer = client.post("/v1/events", json={"events": events})
        except httpx.TransportError as failure:
            self.refused.append(str(failure))
            return
        if answer.is_success:
            self.sent += answer.json()["accepted"]
        else:
            self.refused.append(answer.text)
