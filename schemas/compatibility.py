"""Whether a changed schema still serves those who read by the old one, and still reads what was written by the old one."""

from typing import Any

Schema = dict[str, Any]
BOUNDS_THAT_MAY_ONLY_WIDEN = {
    "minimum": -1,
    "exclusiveMinimum": -1,
    "minLength": -1,
    "minItems": -1,
    "maximum": 1,
    "exclusiveMaximum": 1,
    "maxLength": 1,
    "maxItems": 1,
}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Every way in which `new` breaks readers, in words; empty when it breaks none.

    A field may be added when it is not required; a bound may widen. A type, field or choice that goes, a field that becomes
    required, a type that changes or a bound that narrows breaks somebody: old messages stay in the log for days.
    """
    found: list[str] = []
    old_types, new_types = old.get("$defs", {}), new.get("$defs", {})
    for name, before in old_types.items():
        after = new_types.get(name)
        if after is None:
            found.append(f"{name} is gone")
            continue
        found += _object_breaks(name, before, after)
    found += [f"choice {ref} is gone" for ref in _choices(old) - _choices(new)]
    return found


def _object_breaks(name: str, old: Schema, new: Schema) -> list[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    found = [f"{name}.{field} is gone" for field in old_fields.keys() - new_fields.keys()]
    required_before = set(old.get("required", ()))
    found += [f"{name}.{field} became required" for field in set(new.get("required", ())) - required_before]
    found += [
        f"{name}.{field} may be missing now" for field in required_before - set(new.get("required", ())) if field in new_fields
    ]
    for field in old_fields.keys() & new_fields.keys():
        found += _value_breaks(f"{name}.{field}", old_fields[field], new_fields[field])
    return found


def _value_breaks(place: str, old: Schema, new: Schema) -> list[str]:
    found: list[str] = []
    if _kinds(old) - _kinds(new):
        found.append(f"{place} is no longer {', '.join(sorted(_kinds(old) - _kinds(new)))}")
    if gone := {str(value) for value in old.get("enum", ())} - {str(value) for value in new.get("enum", ())}:
        found.append(f"{place} no longer allows {', '.join(sorted(gone))}")
    for bound, direction in BOUNDS_THAT_MAY_ONLY_WIDEN.items():
        if bound in new and (bound not in old or (new[bound] - old[bound]) * direction < 0):
            found.append(f"{place}: {bound} narrowed from {old.get(bound, 'none')} to {new[bound]}")
    if "items" in old and isinstance(old["items"], dict) and isinstance(new.get("items"), dict):
        found += _value_breaks(f"{place}[]", old["items"], new["items"])
    return found


def _kinds(schema: Schema) -> set[str]:
    if "anyOf" in schema:
        return {kind for choice in schema["anyOf"] for kind in _kinds(choice)}
    if "$ref" in schema:
        return {schema["$ref"].rsplit("/", 1)[-1]}
    if "type" in schema:
        return {str(schema["type"])}
    return {type(value).__name__ for value in schema.get("enum", ())}


def _choices(schema: Schema) -> set[str]:
    return {choice["$ref"] for choice in schema.get("anyOf", ()) if "$ref" in choice}
