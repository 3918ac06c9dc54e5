"""Are the ports free? Asked before anything starts, so that the answer names the setting to change."""

import contextlib
import random
import socket
from collections.abc import Collection, Iterable
from itertools import islice

import psutil

from infra.errors import PacelineError
from infra.supervisor.child import Port

FOR_A_WHILE = range(11_000, 31_000)
"""Below what systems hand out for outgoing connections, one of which may have taken the next port meanwhile."""


def check_ports(ports: Iterable[Port]) -> None:
    """Raises PacelineError that names every taken port, its setting and, where the system tells, who holds it."""
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise PacelineError(
            "These ports are taken:\n  " + "\n  ".join(f"{p.number} ({p.setting}){_holder_words(p)}" for p in taken),
            "Stop what holds them, or set the named settings to other ports.",
        )


def is_free(port: Port) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket(socket.AF_INET6 if ":" in port.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: connections that linger do not count
        try:
            probe.bind((port.host, port.number))
        except OSError:
            return False
    return True


def free_stretches(count: int, length: int, *, among: range = FOR_A_WHILE, besides: Collection[int] = frozenset()) -> list[int]:
    """The first ports of `count` stretches of `length` ports that are free now; anywhere, so that two who ask rarely meet.

    `besides` are ports that may be free for the moment and belong to somebody all the same. Raises PacelineError when there
    are not so many.
    """
    begins = among[: len(among) // length * length : length]
    anywhere = random.SystemRandom().sample(begins, len(begins))
    stretches = (range(first, first + length) for first in anywhere)
    found = (s.start for s in stretches if not any(p in besides for p in s) and all(is_free(Port(p, "")) for p in s))
    chosen = list(islice(found, count))
    if len(chosen) < count:
        raise PacelineError(
            f"There are no {count} times {length} free ports from {among.start} to {among.stop - 1}", "Stop what holds them."
        )
    return chosen


def _holder_words(port: Port) -> str:
    with contextlib.suppress(psutil.Error):  # other users' sockets may be hidden from us
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port.number and connection.status == psutil.CONN_LISTEN:
                if connection.pid is None:
                    break
                process = psutil.Process(connection.pid)
                return f" by {process.name()}, process {process.pid}"
    return ""
