"""The warehouse as the API reads it: named parameters in, rows as dictionaries out, one error when it does not answer."""

import threading
from collections.abc import Mapping
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from infra.errors import Unavailable
from infra.settings import Settings
from infra.telemetry.logs import logger
from infra.warehouse import open_client

log = logger(__name__)
TIMEOUT_S = 10


class WarehouseReader:
    """Threads share one. It connects at first use, so the API starts and serves people while the warehouse is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._lock = threading.Lock()

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The answer's rows by column name; parameters are bound by the server, never pasted.

        Raises Unavailable when the warehouse does not answer or refuses.
        """
        try:
            result = self._connected().query(sql, parameters=dict(parameters))
        except (ClickHouseError, HTTPError, OSError) as failure:
            log.warning("warehouse_query_failed", failure=str(failure)[:500])
            raise Unavailable("The warehouse does not answer", "Try again in a moment.") from failure
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def answers(self) -> bool:
        """Whether a trivial question is answered now."""
        try:
            return self.rows("SELECT 1 AS one", {}) == [{"one": 1}]
        except Unavailable:
            return False

    def close(self) -> None:
        """Leave; a later question connects anew."""
        with self._lock:
            if self._client:
                self._client.close()
            self._client = None

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = open_client(
                    self._settings, "reader", connect_timeout=3, send_receive_timeout=TIMEOUT_S, query_limit=0
                )
            return self._client
