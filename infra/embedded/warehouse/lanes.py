"""Threads that run the engine: a lane for reading and one for writing, each with a bound on what waits.

One pool for both let six long reads hold up every insert.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from infra.embedded.warehouse.errors import TOO_MANY_SIMULTANEOUS_QUERIES, QueryFailed
from infra.telemetry.metrics import WAREHOUSE_WAITING

Result = TypeVar("Result")


class Lane:
    """Runs at most `threads` jobs at a time and lets `waiting` more wait; what comes then is refused, to be tried again."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._name = name
        self._room = threads + waiting
        self._inside = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"warehouse-{name}")

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        with self._lock:
            if self._inside >= self._room:
                raise QueryFailed(TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many simultaneous queries in lane {self._name!r}.")
            self._inside += 1
            WAREHOUSE_WAITING.labels(self._name).set(self._inside)
        future = self._threads.submit(job)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Wait for what runs; forget what waits."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _leave(self, _: object) -> None:
        with self._lock:
            self._inside -= 1
            WAREHOUSE_WAITING.labels(self._name).set(self._inside)
