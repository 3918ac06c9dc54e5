"""The engine's two configuration files, written anew at every start.

The engine's single user gets by name what Paceline needs and nothing more: table engines that keep their rows here, no source
that reads or writes elsewhere, no dictionary, function, named collection or user of anybody's making.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

MEGABYTE = 1024 * 1024

_GRANTS = (
    "GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS, SELECT, CHECK ON *.*",
    "GRANT INSERT, ALTER, TRUNCATE, OPTIMIZE, CREATE TEMPORARY TABLE ON *.*",
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE ON *.*",
    "GRANT KILL QUERY, BACKUP, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM VIEWS, SYSTEM FLUSH LOGS ON *.*",
    "GRANT READ, WRITE ON DISK",
)
_ENGINES = (
    "MergeTree",
    "ReplacingMergeTree",
    "CoalescingMergeTree",
    "SummingMergeTree",
    "AggregatingMergeTree",
    "CollapsingMergeTree",
    "VersionedCollapsingMergeTree",
    "Memory",
    "Null",
    "View",
    "MaterializedView",
)


@dataclass(frozen=True)
class Folders:
    """Where the warehouse keeps what it keeps, under one root."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def config(self) -> Path:
        return self.root / "config.xml"

    @property
    def users(self) -> Path:
        return self.root / "users.xml"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


def write_configuration(folders: Folders, memory_mb: int, keep_free_mb: int) -> None:
    """Make the folders and write both files."""
    for folder in (folders.root, folders.data, folders.backups):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folders.config.write_text(_config(folders, memory_mb, keep_free_mb))
    folders.users.write_text(_users())


def _config(folders: Folders, memory_mb: int, keep_free_mb: int) -> str:
    cache_bytes = min(256, memory_mb // 8) * MEGABYTE
    return f"""<clickhouse>
    <timezone>UTC</timezone>
    <users_config>{escape(str(folders.users))}</users_config>
    <max_server_memory_usage>{memory_mb * MEGABYTE}</max_server_memory_usage>
    <mark_cache_size>{cache_bytes}</mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <access_control_improvements>
        <table_engines_require_grant>true</table_engines_require_grant>
    </access_control_improvements>
    <storage_configuration>
        <disks>
            <default><keep_free_space_bytes>{keep_free_mb * MEGABYTE}</keep_free_space_bytes></default>
            <backups><type>local</type><path>{escape(str(folders.backups))}/</path></backups>
        </disks>
    </storage_configuration>
    <backups><allowed_disk>backups</allowed_disk></backups>
</clickhouse>
"""


def _users() -> str:
    grants = (*_GRANTS, *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES))
    return f"""<clickhouse>
    <profiles><default>
        <implicit_select>0</implicit_select>
        <allow_introspection_functions>0</allow_introspection_functions>
        <async_insert>0</async_insert>
    </default></profiles>
    <users><default>
        <password></password>
        <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
        <profile>default</profile>
        <quota>default</quota>
        <grants>
            {"".join(f"<query>{grant}</query>" for grant in grants)}
        </grants>
    </default></users>
    <quotas><default/></quotas>
</clickhouse>
"""
