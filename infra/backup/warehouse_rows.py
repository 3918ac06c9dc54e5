"""The warehouse's rows into Parquet files and back, by the HTTP interface that every ClickHouse has.

Copied is what readers see: the newest version of each row. A file is read in slices along the table's key, so that neither
side holds more than a slice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infra.backup.archive import Archive, ArchiveWriter, Progress
from infra.errors import PacelineError
from infra.settings import Settings
from infra.warehouse_columns import WarehouseColumns
from schemas.tables import TABLES, Table

FOLDER, ENDING = "warehouse", ".parquet"
SLICE_ROWS = 500_000
VERSION = "SELECT max(version) AS version FROM schema_versions"


@dataclass(frozen=True)
class Slice:
    """Rows of one part of a table, whose key's first column lies within bounds."""

    partition: str
    column: str
    low: Any
    high: Any
    rows: int
    """At most: versions that a newer one replaces are counted too."""


def version(rows: WarehouseColumns) -> int:
    """Which migration the tables have reached."""
    return int(rows.query(VERSION, {})["version"][0].as_py() or 0)


def export(settings: Settings, archive: ArchiveWriter, progress: Progress, slice_rows: int = SLICE_ROWS) -> int:
    """Every table into a file of its own; returns the tables' version."""
    rows = WarehouseColumns(settings, "writer")
    try:
        parts = {table: list(_slices(rows, table, slice_rows)) for table in _there(rows)}
        most, done = sum(part.rows for found in parts.values() for part in found), 0

        def tell(copied: int) -> None:
            nonlocal done
            done += copied
            progress("measurements", done, most)

        for table, found in parts.items():
            _export(rows, table, found, archive, tell)
        progress("measurements", most, most)
        return version(rows)
    finally:
        rows.close()


def filled(settings: Settings) -> list[str]:
    """The tables that hold anything."""
    rows = WarehouseColumns(settings, "writer")
    try:
        return [
            table.name
            for table in _there(rows)
            if rows.query(f"SELECT 1 AS one FROM {table.name} LIMIT 1", {}).num_rows  # noqa: S608 - a name of ours
        ]
    finally:
        rows.close()


def restore(settings: Settings, archive: Archive, progress: Progress) -> None:
    """Fill the empty tables."""
    rows = WarehouseColumns(settings, "writer")
    known = {f"{FOLDER}/{table.name}{ENDING}": table for table in TABLES}
    names = archive.names(FOLDER)
    if unknown := set(names) - known.keys():
        raise PacelineError(f"The backup has tables that this program does not know: {', '.join(sorted(unknown))}")
    most, done = sum(archive.rows(name) for name in names), 0
    try:
        for name in names:
            with pq.ParquetFile(archive.path(name)) as file:
                for group in range(file.num_row_groups):
                    part = file.read_row_group(group)
                    rows.insert(known[name], part)
                    done += part.num_rows
                    progress("measurements", done, most)
    finally:
        rows.close()


def _there(rows: WarehouseColumns) -> list[Table]:
    """Those of ours that the migrations so far have made."""
    names = rows.query("SELECT name FROM system.tables WHERE database = currentDatabase()", {})["name"].to_pylist()
    return [table for table in TABLES if table.name in names]


def _export(
    rows: WarehouseColumns, table: Table, parts: list[Slice], archive: ArchiveWriter, tell: Callable[[int], None]
) -> None:
    name, kept = f"{FOLDER}/{table.name}{ENDING}", 0
    writer: pq.ParquetWriter | None = None
    try:
        for part in parts:
            found = _read(rows, table, part)
            writer = writer or pq.ParquetWriter(archive.file(name), found.schema, compression="zstd")
            writer.write_table(found)
            kept += found.num_rows
            tell(part.rows)
    finally:
        if writer:
            writer.close()
    if writer:
        archive.written(name, kept)


def _read(rows: WarehouseColumns, table: Table, part: Slice) -> pa.Table:
    bound = "toUUID({%s:String})" if isinstance(part.low, str) else "{%s:UInt64}"
    asked = (
        f"SELECT * FROM {table.name} FINAL WHERE _partition_id = {{partition:String}}"  # noqa: S608 - names of ours
        f" AND {part.column} BETWEEN {bound % 'low'} AND {bound % 'high'}"
    )
    return rows.query(asked, {"partition": part.partition, "low": part.low, "high": part.high})


def _slices(rows: WarehouseColumns, table: Table, most: int) -> Iterator[Slice]:
    """In the order of the key, each as large as may be; one value of the key's first column is never divided."""
    column = _first_of_key(rows, table)
    as_text = f"toString({column})" if column == "session_id" else column
    asked = (
        f"SELECT _partition_id AS partition, {as_text} AS value, count() AS rows FROM {table.name}"  # noqa: S608 - names of ours
        f" GROUP BY _partition_id, {column} ORDER BY _partition_id, {column}"
    )
    open_part: Slice | None = None
    for row in rows.query(asked, {}).to_pylist():
        alike = open_part and open_part.partition == row["partition"] and open_part.rows + row["rows"] <= most
        if open_part and alike:
            open_part = Slice(open_part.partition, column, open_part.low, row["value"], open_part.rows + row["rows"])
            continue
        if open_part:
            yield open_part
        open_part = Slice(row["partition"], column, row["value"], row["value"], row["rows"])
    if open_part:
        yield open_part


def _first_of_key(rows: WarehouseColumns, table: Table) -> str:
    asked = "SELECT sorting_key AS key FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
    return str(rows.query(asked, {"name": table.name})["key"][0].as_py()).split(",")[0].strip()
