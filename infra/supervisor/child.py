"""What the supervisor is told of each process."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

from infra.embedded.launch import Launch


def _nothing() -> None:
    return None


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Port:
    """A TCP port that a child will listen on, and the setting that moves it."""

    number: int
    setting: str
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Child:
    """One process. `prepare` runs before every start and may be slow; the others are called often and are quick.

    `alive` is asked while it runs: one that stays silent for long stands still without ending, and is started again.
    """

    name: str
    launch: Callable[[], Launch]
    ready: Callable[[], bool]
    prepare: Callable[[], None] = _nothing
    alive: Callable[[], bool] = _always
    ports: tuple[Port, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10
    ready_timeout_s: float = 60


@dataclass(frozen=True)
class Stage:
    """Children that start side by side, and what is done once when all of them are ready, before the next stage."""

    children: tuple[Child, ...]
    then: Callable[[], None] = _nothing
    then_name: str = ""
