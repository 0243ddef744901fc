"""Forms, whose fields are all text, read as the JSON that they stand for."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]
_NUMBERS = {"integer": int, "number": float}


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the fields, those with brackets as objects and lists.

    `a[b]=1&a[c][0]=2&d[]=3&d[]=4` is `{"a": {"b": "1", "c": ["2"]}, "d": ["3", "4"]}`.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        inside = found
        for step, following in zip([first, *rest], rest, strict=False):
            inside = inside.setdefault(step, {})
            first = following
        key = first or str(len(inside))
        if key in inside:  # said twice: a list
            before = inside[key]
            value_list = before if isinstance(before, list) else [before]
            inside[key] = [*value_list, value]
        else:
            inside[key] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    """Turn {"0": ..., "1": ...} into a list, at every depth."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def typed(value: Any, schema: Schema, look_up: Callable[[str], Schema]) -> Any:
    """Return the value with its texts turned into what the schema wants there."""
    if "$ref" in schema:
        return typed(value, look_up(schema["$ref"]), look_up)
    if isinstance(value, str):
        return _scalar(value, schema)
    schema = _choice(schema, "array" if isinstance(value, list) else "object")
    if isinstance(value, list):
        items = schema.get("items", {})
        return [typed(each, items, look_up) for each in value]
    properties = schema.get("properties", {})
    return {
        name: typed(each, properties.get(name, {}), look_up)
        for name, each in value.items()
    }


def _choice(schema: Schema, kind: str) -> Schema:
    """Return the alternative of this kind, or the schema itself."""
    choices: list[Schema] = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    return next((each for each in choices if each.get("type") == kind), schema)


def _scalar(text: str, schema: Schema) -> Any:
    kinds = [each.get("type") for each in [schema, *schema.get("anyOf", [])]]
    if "boolean" in kinds and text in {"true", "false"}:
        return text == "true"
    if "array" in kinds:
        return [text]  # a list of one, where a name may be repeated
    for kind in kinds:
        if kind in _NUMBERS and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return _NUMBERS[kind](text)
    return text
