"""The warehouse in columns: Arrow tables in and out, one error for whatever goes wrong on the way."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from infra.errors import Unavailable
from infra.settings import Settings
from infra.warehouse import Role, insert_rows, open_client
from schemas.tables import Table


class WarehouseColumns:
    """One role's connection. It connects at first use and anew after every failure. Not for several threads at once."""

    def __init__(self, settings: Settings, role: Role) -> None:
        self._settings = settings
        self._role: Role = role
        self._client: Client | None = None

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Insert rows; inserted twice, readers of the table's view see them once.

        Raises Unavailable whatever went wrong: whether the rows got in is then unknown, so repeat it.
        """
        try:
            insert_rows(self._connected(), table, rows.combine_chunks())
        except (ClickHouseError, HTTPError, OSError) as failure:
            self.close()
            raise Unavailable(
                f"The warehouse did not take {rows.num_rows} rows of {table.name}: {_short(failure)}"
            ) from failure

    def query(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table:
        """The answer in columns; parameters are bound by the server.

        Raises Unavailable when the warehouse does not answer or refuses.
        """
        try:
            return self._connected().query_arrow(sql, parameters=dict(parameters))
        except (ClickHouseError, HTTPError, OSError) as failure:
            self.close()
            raise Unavailable(f"The warehouse did not answer: {_short(failure)}") from failure

    def close(self) -> None:
        """Leave; the next call connects anew."""
        client, self._client = self._client, None
        if client:
            client.close()

    def _connected(self) -> Client:
        if self._client is None:
            self._client = open_client(self._settings, self._role, connect_timeout=3, send_receive_timeout=60, query_limit=0)
        return self._client


def _short(failure: Exception) -> str:
    return str(failure)[:500]
