"""The generated documents are those of the code, and the code breaks no reader of the released schemas."""

import copy
import json

import jsonschema_rs
import msgspec
import pytest

from schemas.compatibility import breaks
from schemas.documents import GENERATED, MESSAGES, RELEASED, documents, message_schema
from schemas.events import APP_EVENT_TYPES, DEVICE_EVENT_TYPES, HeartRate
from schemas.topics import DEVICE_EVENTS, TOPICS


@pytest.mark.parametrize("name", sorted(documents()))
def test_generated_documents_match_the_code(name: str) -> None:
    assert (GENERATED / name).read_text() == documents()[name], f"{name} is old: run `paceline schemas`"


@pytest.mark.parametrize("topic", MESSAGES, ids=lambda topic: topic.name)
def test_no_change_breaks_readers_of_the_released_schema(topic) -> None:
    released = json.loads((RELEASED / f"{topic.name}.schema.json").read_text())
    assert breaks(released, message_schema(topic)) == []


def test_every_topic_has_a_message_and_every_event_type_a_schema() -> None:
    assert set(MESSAGES) == set(TOPICS)
    definitions = message_schema(DEVICE_EVENTS)["$defs"]
    assert {kind.__name__ for kind in DEVICE_EVENT_TYPES} <= set(definitions)
    assert len({kind.__struct_config__.tag for kind in (*DEVICE_EVENT_TYPES, *APP_EVENT_TYPES)}) == len(
        (*DEVICE_EVENT_TYPES, *APP_EVENT_TYPES)
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s["$defs"]["HeartRate"]["properties"].pop("rr_ms"), "HeartRate.rr_ms is gone"),
        (lambda s: s["$defs"].pop("Steps"), "Steps is gone"),
        (lambda s: s["$defs"]["HeartRate"]["required"].append("contact"), "HeartRate.contact became required"),
        (
            lambda s: s["$defs"]["Power"]["properties"]["power_watts"].update(maximum=2000),
            "Power.power_watts: maximum narrowed from 3000 to 2000",
        ),
        (
            lambda s: s["$defs"]["Power"]["properties"]["power_watts"].update(type="string"),
            "Power.power_watts is no longer integer",
        ),
    ],
)
def test_a_breaking_change_is_named(change, complaint: str) -> None:
    old = message_schema(DEVICE_EVENTS)
    new = copy.deepcopy(old)
    change(new)
    assert complaint in breaks(old, new)


def test_an_added_optional_field_breaks_nobody() -> None:
    old = message_schema(DEVICE_EVENTS)
    new = copy.deepcopy(old)
    new["$defs"]["HeartRate"]["properties"]["skin_temperature_c"] = {"type": "number"}
    new["$defs"]["Power"]["properties"]["power_watts"]["maximum"] = 4000
    assert breaks(old, new) == []


def test_an_encoded_event_is_valid_by_the_published_schema_and_a_wrong_one_is_not() -> None:
    validator = jsonschema_rs.validator_for(message_schema(DEVICE_EVENTS))
    beat = HeartRate(
        event_id="strap-1:00000001", member_id=7, device_id="strap-1", event_time_ms=1_763_712_000_000, heart_rate_bpm=151
    )
    good = json.loads(msgspec.json.encode(beat))
    assert validator.is_valid(good)
    assert not validator.is_valid(good | {"heart_rate_bpm": 300})
    assert not validator.is_valid({key: value for key, value in good.items() if key != "member_id"})
