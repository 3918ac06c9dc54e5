"""What the contract is tested against: the embedded process and, where PACELINE_TEST_CLICKHOUSE names one, a real server."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import httpx
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from infra.embedded.launch import Launch
from infra.settings import Settings, child_environment
from infra.warehouse import Role, connection, open_client
from tests.running import answers, running, settings_in

_http = httpx.Client(limits=httpx.Limits(max_connections=None))
SERVER_ADDRESS = os.environ.get("PACELINE_TEST_CLICKHOUSE", "")


@dataclass(frozen=True)
class Warehouse:
    """One server under test."""

    settings: Settings
    embedded: bool

    @property
    def url(self) -> str:
        address = urlsplit(self.settings.clickhouse_address)
        return f"{address.scheme}://{address.hostname}:{address.port}/"

    @property
    def database(self) -> str:
        return str(connection(self.settings, "writer")["database"])

    def login(self, role: Role) -> tuple[str, str]:
        given = connection(self.settings, role)
        return given["username"], given["password"]

    def client(self, role: Role = "writer", **more: object) -> Client:
        return open_client(self.settings, role, **more)

    def post(
        self,
        query: str = "",
        body: bytes | str = b"",
        *,
        role: Role = "writer",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        **arguments: str,
    ) -> httpx.Response:
        """One raw request, as curl sends it: `query` in the address beside a body or in a GET, else as the body."""
        in_address = bool(body) or method == "GET"
        given = {"database": self.database, **arguments, **({"query": query} if in_address and query else {})}
        content = body if in_address else query
        return _http.request(
            method,
            self.url,
            params=given,
            content=content or None,
            auth=self.login(role),
            headers={"accept-encoding": "identity", **(headers or {})},
            timeout=60,
        )


def code(response: httpx.Response) -> str:
    """ClickHouse's number of what went wrong, empty when nothing did."""
    return response.headers.get("x-clickhouse-exception-code", "")


def launch_of(settings: Settings) -> Launch:
    """How the embedded warehouse is started, exactly as the supervisor does it."""
    return Launch([sys.executable, "-m", "infra.cli", "warehouse", "serve"], child_environment(settings), settings.home)


@contextmanager
def embedded_warehouse(settings: Settings) -> Iterator[Popen[bytes]]:
    """The embedded process, ready inside the block."""
    address = f"http://127.0.0.1:{settings.clickhouse_port}/ready"
    with running(launch_of(settings), lambda: answers(address), settings.home / "warehouse.log") as process:
        yield process


def settings_of_server(home: Path) -> Settings:
    """Settings of the real server; the user of its address must be allowed to make users."""
    address = urlsplit(SERVER_ADDRESS)
    database = address.path.strip("/") or "paceline_contract"
    return settings_in(
        home,
        clickhouse=f"{address.scheme}://{address.hostname}:{address.port or 8123}/{database}",
        clickhouse_writer_user=address.username or "default",
        clickhouse_writer_password=SecretStr(address.password or ""),
    )
