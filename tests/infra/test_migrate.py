"""Migrations of the three stores: complete, repeatable, and without passwords in their words."""

from confluent_kafka.admin import ConfigResource

from infra.kafka import ensure_topics, open_admin
from infra.migrate import migrate, reader_statements
from infra.postgres import open_connection
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.tables import TABLES
from schemas.topics import TOPICS
from tests.running import settings_in, temporary_home


def test_every_topic_is_there_as_declared(kafka_only: Settings) -> None:
    admin = open_admin(kafka_only)
    present = admin.list_topics(timeout=10).topics
    assert {t.name: t.partitions for t in TOPICS} == {t.name: len(present[t.name].partitions) for t in TOPICS}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in TOPICS]
    for resource, answer in admin.describe_configs(resources).items():
        declared = next(topic for topic in TOPICS if topic.name == resource.name).config()
        found = {name: entry.value for name, entry in answer.result(10).items()}
        assert {name: found[name] for name in declared} == declared


def test_migrating_again_changes_nothing(servers: Settings) -> None:
    migrate(servers)
    assert ensure_topics(servers) == []
    with open_client(servers, "reader") as client:
        names = {row[0] for row in client.query("SHOW TABLES").result_rows}
    assert {table.name for table in TABLES} | {table.view for table in TABLES} <= names
    with open_connection(servers) as connection:
        found = connection.execute("SELECT count(*) FROM information_schema.tables WHERE table_name = 'users'").fetchone()
    assert found == (1,)


def test_readers_of_a_server_are_made_without_sending_their_passwords() -> None:
    with temporary_home() as home:
        settings = settings_in(home, clickhouse="http://warehouse:8123/paceline")
        text = "\n".join(reader_statements(settings, reader_sha256="a" * 64, analyst_sha256="b" * 64))
    assert settings.clickhouse_reader_password.get_secret_value() not in text
    assert "`analyst` IDENTIFIED WITH sha256_hash BY '" + "b" * 64 in text
    assert "GRANT SELECT ON `paceline`.* TO `paceline_reader`, `analyst`" in text
    assert "readonly = 2" in text
