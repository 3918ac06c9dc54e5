"""Findings as tables on Dagster's pages."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

ROWS_MAX = 50
"""Beyond this a table helps nobody; the count beside it tells how many there are."""


def table(found: Iterable[Any]) -> dg.MetadataValue[Any]:
    """Dataclasses of one kind as a table, the first of them only; a line of text when there are none."""
    rows = [{name: _shown(value) for name, value in vars(one).items()} for one in found]
    if not rows:
        return dg.MetadataValue.text("none")
    schema = dg.TableSchema([dg.TableColumn(name) for name in rows[0]])
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows[:ROWS_MAX]], schema)


def _shown(value: Any) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
