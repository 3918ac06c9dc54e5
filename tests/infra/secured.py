"""Servers as somebody else would run them: behind TLS with a certificate of their own authority, and with passwords.

Kafka and the warehouse are the embedded ones, on a home of their own. The embedded PostgreSQL is built without TLS, so here one
with it is fetched from Maven Central, pinned by hash.
"""

import asyncio
import fcntl
import hashlib
import platform
import shutil
import ssl
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.kafka_jars import user_cache
from infra.embedded.launch import Launch, minimal_environment, unprivileged_account
from tests.running import free_ports

HOST = "127.0.0.1"
POSTGRES_VERSION = "18.4.0"
POSTGRES_SHA256 = {
    "amd64": "401d4e69baba9072d3772607710df0d47b39a7632c6b01b2a5f5d85a9514e212",
    "arm64v8": "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335",
}


class Authority:
    """Signs certificates. `file` is its own, by which clients know whom to trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def certificate(self, *names: str) -> "Certificate":
        """A new one for these host names and addresses."""
        made = self._authority.issue_cert(*names)
        chain = b"".join(part.bytes() for part in made.cert_chain_pems)
        key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # the only form that Kafka reads
        stem = self._folder / names[0]
        return Certificate(_written(stem, ".crt", chain), _written(stem, ".key", key), _written(stem, ".pem", key + chain))


class Certificate:
    """The files of one certificate: itself with its chain, its key, and both together."""

    def __init__(self, chain: Path, key: Path, both: Path) -> None:
        self.chain, self.key, self.both = chain, key, both


def _written(stem: Path, ending: str, content: bytes) -> Path:
    path = stem.with_name(stem.name + ending)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


class SecuredKafka(EmbeddedKafka):
    """One door for clients with a password (`port`), one for clients with a certificate (`certificate_port`).

    `admin` and `paceline` may enter by PLAIN; users of SCRAM are made through a client of `admin`.
    """

    def __init__(self, home: Path, authority: Authority, certificate: Certificate, passwords: dict[str, str]) -> None:
        first, self.certificate_port = free_ports(2)
        super().__init__(home, first)
        self._authority, self._certificate, self._passwords = authority, certificate, passwords

    def _settings(self) -> dict[str, object]:
        users = " ".join(f'user_{name}="{password}"' for name, password in self._passwords.items())
        broker = f'username="admin" password="{self._passwords["admin"]}"'
        modules = "org.apache.kafka.common.security"
        scram = f"{modules}.scram.ScramLoginModule required;"
        doors = f"SASL_SSL://{HOST}:{self.port},SSL://{HOST}:{self.certificate_port},CONTROLLER://{HOST}:{self.port + 1}"
        return super()._settings() | {
            "listeners": doors,
            "advertised.listeners": doors,
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {broker} {users};",
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.ssl.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS",  # ANONYMOUS is the node itself, on the controller's door
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._certificate.both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._authority.file,
        }


class SecuredPostgres:
    """Over TCP, with TLS only and passwords by SCRAM only; `owner` owns the database of that name."""

    def __init__(self, home: Path, certificate: Certificate, owner: str, password: str) -> None:
        [self.port] = free_ports(1)
        self.folder, self._certificate, self.owner, self._password = home / "postgres", certificate, owner, password
        self._program = home / "postgres-program"
        self._data = self.folder / "data"
        self._account = unprivileged_account(self.folder, self._program)

    def prepare(self) -> None:
        _postgres_with_tls(self._program)
        self.folder.mkdir(mode=0o700)
        self._hand_over(self.folder)
        initdb = [
            "initdb",
            "-D",
            str(self._data),
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        self._launch([*initdb, "--no-instructions", f"--pwfile={self._given('password', self._password.encode())}"]).run(
            "initdb"
        )
        self._given("server.crt", self._certificate.chain.read_bytes())
        self._given("server.key", self._certificate.key.read_bytes())
        self._given("data/pg_hba.conf", b"hostssl all all 127.0.0.1/32 scram-sha-256\n")
        made = f"CREATE ROLE {self.owner} LOGIN PASSWORD '{self._password}'\nCREATE DATABASE {self.owner} OWNER {self.owner}\n"
        alone = ["postgres", "--single", "-D", str(self._data), "postgres"]
        self._launch(alone).run("Creating the database", made.encode())

    def launch(self) -> Launch:
        options = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": self.folder / "server.crt",
            "ssl_key_file": self.folder / "server.key",
            "password_encryption": "scram-sha-256",
        }
        return self._launch(["postgres", "-D", str(self._data), *(f"--{name}={value}" for name, value in options.items())])

    def _launch(self, command: list[str]) -> Launch:
        program = str(self._program / "bin" / command[0])
        return Launch([program, *command[1:]], minimal_environment(self.folder), self.folder, self._account)

    def _given(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        self._hand_over(path)
        return path

    def _hand_over(self, path: Path) -> None:
        if self._account:
            shutil.chown(path, self._account.uid, self._account.gid)


def _postgres_with_tls(folder: Path) -> Path:
    """Fetched once a machine; unpacked where the unprivileged user of the server reaches it."""
    kind = {"x86_64": "amd64", "aarch64": "arm64v8"}.get(platform.machine())
    if sys.platform != "linux" or kind is None:
        pytest.skip(f"SKIPPED LOUDLY: no PostgreSQL with TLS is pinned for {sys.platform} {platform.machine()}")
    with zipfile.ZipFile(_fetched(f"embedded-postgres-binaries-linux-{kind}", POSTGRES_SHA256[kind])) as archive:
        packed = next(name for name in archive.namelist() if name.endswith(".txz"))
        with tarfile.open(fileobj=BytesIO(archive.read(packed)), mode="r:xz") as files:
            files.extractall(folder, filter="data")
    return folder


def _fetched(artifact: str, expected_sha256: str) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    cache = user_cache() / "for-tests"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        maven = MavenContext(repo_cache=cache, resolver=PythonResolver())
        jar = Path(maven.project("io.zonky.test.postgres", artifact).at_version(POSTGRES_VERSION).artifact().resolve())
    assert hashlib.sha256(jar.read_bytes()).hexdigest() == expected_sha256, f"{jar} is not the pinned one: remove it"
    return jar


@contextmanager
def tls_door(certificate: Certificate, target_port: int) -> Iterator[int]:
    """A port that takes TLS and hands on to `target_port` what was inside, as a load balancer does."""
    door, loop = _TlsDoor(certificate, target_port), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls-door", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(door.open(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(door.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class _TlsDoor:
    def __init__(self, certificate: Certificate, target_port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.both)
        self._target_port = target_port
        self._guests: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._guest, HOST, 0, ssl=self._context)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _guest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._guests.add(task)
        task.add_done_callback(self._guests.discard)
        with suppress(OSError, asyncio.CancelledError):
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self._target_port)
            await asyncio.gather(_pour(reader, inner_writer), _pour(inner_reader, writer))


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while portion := await source.read(65_536):
            target.write(portion)
            await target.drain()
    target.close()
