"""Apache Kafka as our child: what is acknowledged survives, and only the pinned jars run."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from infra.embedded.kafka import EmbeddedKafka, three_nodes
from infra.embedded.kafka_jars import jar_folder, pinned, warm_start_file
from infra.errors import PacelineError
from infra.kafka import ends, ensure_topics, open_consumer, open_producer
from infra.kafka_warm_start import make_cache
from infra.settings import Settings
from schemas.topics import DAY_MS, Topic
from tests.running import free_ports, running, settings_in, temporary_home, wait_until

NOTES = Topic("notes", "what the test wrote", "none", 1, DAY_MS)


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


def test_acknowledged_records_survive_a_killed_broker_that_comes_back_on_another_port(home: Path) -> None:
    home /= "Zoë, home"  # as people call their folders
    home.mkdir()
    first, second = settings_in(home), settings_in(home)
    kafka = EmbeddedKafka(home, first.kafka_port)
    kafka.prepare()
    with running(kafka.launch(), kafka.ready, home / "kafka.log") as process:
        ensure_topics(first, (NOTES,))
        produce(open_producer(first), range(5_000))
        process.kill()
        process.wait()
    born = kafka.cluster_id()

    moved = EmbeddedKafka(home, second.kafka_port)
    moved.prepare()
    with running(moved.launch(), moved.ready, home / "kafka.log"):
        assert read_numbers(second) == list(range(5_000))
    assert moved.cluster_id() == born
    assert "INFO" in (home / "kafka.log").read_text(), "its logging was configured"


def test_a_broker_starts_with_what_java_has_kept_of_its_classes_and_also_when_that_is_spoilt(home: Path) -> None:
    jars = jar_folder()
    cache = home / "cache"
    cache.mkdir()
    (cache / jars.name).symlink_to(jars)
    settings = settings_in(home)
    kafka = EmbeddedKafka(home, settings.kafka_port, cache=cache)
    kafka.prepare()
    assert not [word for word in kafka.launch().command if "AOTCache" in word]
    kept = warm_start_file(cache / jars.name)
    kept.write_bytes(b"not what Java has written")
    assert f"-XX:AOTCache={kept}" in kafka.launch().command
    with running(kafka.launch(), kafka.ready, home / "kafka.log"):
        ensure_topics(settings, (NOTES,))
    made = make_cache()
    assert made == warm_start_file(jars)
    warm = EmbeddedKafka(home, settings.kafka_port, java_options="-Xlog:class+load")
    warm.prepare()
    with running(warm.launch(), warm.ready, home / "warm.log"):
        ensure_topics(settings, (NOTES,))
    assert "kafka.Kafka source: shared objects file" in (home / "warm.log").read_text()


def test_options_of_the_operator_come_after_ours_and_a_heap_of_theirs_replaces_ours(home: Path) -> None:
    settings = settings_in(home, kafka_java_options="-Xmx1g -Dwhere='in the cellar'")
    words = EmbeddedKafka(home, settings.kafka_port, java_options=settings.kafka_java_options).launch().command
    assert [word for word in words if word.startswith(("-Xm", "-Dwhere"))] == ["-Xmx1g", "-Dwhere=in the cellar"]
    ours = EmbeddedKafka(home, settings.kafka_port, java_options="-Dwhere=here").launch().command
    assert [word for word in ours if word.startswith(("-Xm", "-Dwhere"))] == ["-Xms160m", "-Xmx160m", "-Xmn24m", "-Dwhere=here"]
    with pytest.raises(PacelineError, match=r"PACELINE_KAFKA_JAVA_OPTIONS.*quotation"):
        settings_in(home, kafka_java_options="-Dwhere='in the cellar")


def test_three_nodes_lose_nothing_and_double_nothing_when_one_is_killed(home: Path) -> None:
    nodes = three_nodes(home, free_ports(6))
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(EmbeddedKafka.prepare, nodes))
    settings = settings_in(home, kafka=",".join(f"127.0.0.1:{node.port}" for node in nodes), kafka_replication=3)
    with ExitStack() as cluster:
        processes = [  # killed at the end: a last node waits long for a quorum that is gone
            cluster.enter_context(running(node.launch(), lambda: True, node.folder.with_suffix(".log"), stop=signal.SIGKILL))
            for node in nodes
        ]
        wait_until(lambda: all(node.ready() for node in nodes), "three nodes ready")
        ensure_topics(settings, (NOTES,))
        killer = threading.Timer(0.5, lambda: os.kill(processes[leader_of(settings) - 1].pid, signal.SIGKILL))
        killer.start()
        produce(open_producer(settings), range(4_000), pause_every=100)
        killer.join()
        assert sum(process.poll() is None for process in processes) == 2
        assert read_numbers(settings) == list(range(4_000))


def test_a_tampered_jar_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / jar_folder().name
    shutil.copytree(jar_folder(), folder)
    jar = folder / "kafka-clients-4.3.1.jar"
    jar.write_bytes(jar.read_bytes() + b"\0")
    with pytest.raises(PacelineError, match=r"kafka-clients-4\.3\.1\.jar differs from its committed sha256"):
        EmbeddedKafka(tmp_path / "home", 29_092, cache=tmp_path).prepare()
    assert not (tmp_path / "home").exists()


def test_a_missing_jar_and_a_stranger_among_them_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / jar_folder().name
    shutil.copytree(jar_folder(), folder)
    (folder / "kafka-clients-4.3.1.jar").rename(folder / "stranger.jar")
    with pytest.raises(PacelineError) as refused:
        jar_folder(tmp_path)
    assert "kafka-clients-4.3.1.jar is missing" in refused.value.problem
    assert "stranger.jar does not belong there" in refused.value.problem


def test_the_list_pins_every_jar_by_its_whole_hash() -> None:
    jars = pinned()
    assert len(jars) == len({jar.filename for jar in jars}) == 46
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) for jar in jars)


def produce(producer: Producer, numbers: range, pause_every: int = 0) -> None:
    """Every number, acknowledged, or the test fails."""
    failures: list[object] = []
    for number in numbers:
        producer.produce(
            NOTES.name, str(number).encode(), on_delivery=lambda error, _m: failures.append(error) if error else None
        )
        producer.poll(0)
        if pause_every and number % pause_every == 0:
            time.sleep(0.05)
    assert producer.flush(30) == 0
    assert failures == []


def read_numbers(settings: Settings) -> list[int]:
    consumer: Consumer = open_consumer(settings)
    low, high = ends(consumer, NOTES.name, 0)
    consumer.assign([TopicPartition(NOTES.name, 0, low)])
    found: list[int] = []
    wait_until(
        lambda: found.extend(int(m.value() or b"") for m in consumer.consume(5_000, 0.2)) or len(found) >= high - low,
        "all read",
    )
    consumer.close()
    return found


def leader_of(settings: Settings) -> int:
    consumer = open_consumer(settings)
    leader = consumer.list_topics(NOTES.name, timeout=10).topics[NOTES.name].partitions[0].leader
    consumer.close()
    return int(leader)
