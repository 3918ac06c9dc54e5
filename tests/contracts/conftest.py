"""The warehouses under test, migrated, and a table of a test's own."""

from collections.abc import Iterator
from itertools import count

import pytest

from infra.migrate import migrate_warehouse
from tests.contracts.warehouses import SERVER_ADDRESS, Warehouse, embedded_warehouse, settings_of_server
from tests.running import settings_in, temporary_home

_numbers = count(1)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Warehouse]:
    """The embedded warehouse, with its tables."""
    with temporary_home() as home:
        settings = settings_in(home)
        with embedded_warehouse(settings):
            migrate_warehouse(settings)
            yield Warehouse(settings, embedded=True)


@pytest.fixture(scope="session")
def real() -> Iterator[Warehouse]:
    """The ClickHouse server that PACELINE_TEST_CLICKHOUSE names."""
    with temporary_home() as home:
        settings = settings_of_server(home)
        migrate_warehouse(settings)
        yield Warehouse(settings, embedded=False)


@pytest.fixture(scope="session", params=["embedded", *(["real"] if SERVER_ADDRESS else [])])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Each warehouse in turn."""
    found: Warehouse = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def table(warehouse: Warehouse) -> Iterator[str]:
    """An empty table (id UInt64, text String) of this test's own."""
    name = f"contract_{next(_numbers)}"
    done = warehouse.post(
        f"CREATE TABLE {name} (id UInt64, text String) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    assert done.status_code == 200, done.text
    yield name
    warehouse.post(f"DROP TABLE IF EXISTS {name} SYNC")
