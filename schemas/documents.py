"""JSON Schemas and the AsyncAPI document, made from the code; the files in `generated/` are what people link to.

`paceline schemas` renews them. A test compares them with the code, and the code with `released/`: what readers rely on.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from schemas.alerts import Alert
from schemas.directory import DirectoryRecord
from schemas.events import AppEvent, DeviceEvent
from schemas.live import LIVE_COLUMNS, LiveUpdate
from schemas.messages import LiveMessage
from schemas.rejected import Rejected, Retried
from schemas.topics import ALERTS, APP_EVENTS, DEAD_LETTERS, DEVICE_EVENTS, DIRECTORY, LIVE, LIVE_MESSAGES, Topic

GENERATED = Path(__file__).parent / "generated"
RELEASED = Path(__file__).parent / "released"
MESSAGES: dict[Topic, Any] = {
    DEVICE_EVENTS: DeviceEvent,
    APP_EVENTS: AppEvent,
    LIVE: LiveUpdate,
    ALERTS: Alert,
    DIRECTORY: DirectoryRecord,
    LIVE_MESSAGES: LiveMessage,
    DEAD_LETTERS: Rejected | Retried,
}
Schema = dict[str, Any]


def message_schema(topic: Topic) -> Schema:
    """The JSON Schema (2020-12) of everything that may stand on this topic."""
    (schema,), definitions = msgspec.json.schema_components([MESSAGES[topic]], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": topic.name,
        "description": f"{topic.purpose}; key: {topic.key}",
        **schema,
        "$defs": definitions,
    }


def asyncapi() -> Schema:
    """The AsyncAPI 3.0 document of all topics."""
    channels: Schema = {}
    operations: Schema = {}
    messages: Schema = {}
    definitions: Schema = {}
    for topic, kind in MESSAGES.items():
        (schema,), found = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
        definitions |= found
        messages[topic.name] = {"name": topic.name, "contentType": "application/json", "payload": schema}
        channels[topic.name] = {
            "address": topic.name,
            "description": f"{topic.purpose}. Key: {topic.key}.",
            "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
            "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": _topic_configuration(topic)}},
        }
        operations[f"read-{topic.name}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"Read {topic.purpose}",
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Paceline",
            "version": "1.0.0",
            "description": "Topics of Paceline. Columns of live updates: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in LIVE_COLUMNS.items()),
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": definitions},
    }


def documents() -> dict[str, str]:
    """File name → text of every generated document."""
    found = {f"{topic.name}.schema.json": message_schema(topic) for topic in MESSAGES} | {"asyncapi.json": asyncapi()}
    return {name: json.dumps(document, indent=1, sort_keys=True) + "\n" for name, document in found.items()}


def write_documents(folder: Path = GENERATED) -> list[str]:
    """Write them; returns the names of those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = [
        name for name, text in documents().items() if not (folder / name).exists() or (folder / name).read_text() != text
    ]
    for name in changed:
        (folder / name).write_text(documents()[name])
    return changed


def _topic_configuration(topic: Topic) -> Schema:
    return {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": topic.retention_ms,
        "retention.bytes": topic.retention_bytes,
        "max.message.bytes": topic.message_bytes_max,
    }
