"""The migration beside the supervisor: it does the work, and its words come back."""

import pytest

from infra.errors import PacelineError, Unavailable
from infra.migration_process import migrate_apart
from infra.postgres import open_connection
from infra.settings import Settings
from tests.running import free_ports

pytestmark = pytest.mark.servers


def test_it_brings_every_store_to_this_releases_shape_and_may_be_repeated(servers: Settings) -> None:
    migrate_apart(servers)
    migrate_apart(servers)
    with open_connection(servers) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_a_server_that_is_away_is_unavailable_and_named(servers: Settings) -> None:
    address = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(Unavailable, match="does not answer") as refused:
        migrate_apart(servers.model_copy(update={"clickhouse": address}))
    assert address in refused.value.problem
    assert "Traceback" not in refused.value.problem


def test_what_waiting_does_not_mend_is_told_in_words_and_not_tried_again(servers: Settings) -> None:
    with pytest.raises(PacelineError) as refused:
        migrate_apart(servers.model_copy(update={"kafka_security_protocol": "NONSENSE"}))
    assert not isinstance(refused.value, Unavailable)
    assert "Traceback" not in refused.value.problem
