"""The embedded warehouse: one process that owns the ClickHouse engine (chDB) and answers ClickHouse's HTTP interface."""
