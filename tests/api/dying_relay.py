"""A relay that dies like a killed process between publishing and marking. Run as `python -m tests.api.dying_relay`."""

import os

import psycopg

from api.directory.outbox import Relay
from infra.clock import system_clock
from infra.postgres import open_connection
from infra.settings import load_settings


class DyingRelay(Relay):
    """Publishes one batch and is gone."""

    def mark(self, connection: psycopg.Connection, ids: list[int], faults: list[str | None]) -> None:
        os._exit(9)


if __name__ == "__main__":
    settings = load_settings()
    with open_connection(settings) as opened:
        DyingRelay(settings, system_clock).lead(opened)
