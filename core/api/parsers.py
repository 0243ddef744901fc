"""Read JSON as strictly as it is specified, and within bounds."""

import itertools
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from rest_framework.parsers import BaseParser

from core.api.errors import Malformed, TooLarge
from core.text import has_forbidden_characters

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000
_INTEGERS = range(-(2**63), 2**63)
_LONGEST_INTEGER = 20  # characters: the sign and nineteen digits


class StrictJSONParser(BaseParser):
    """Accept one JSON object that PostgreSQL can store and every client reads alike."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> dict[str, Any]:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise TooLarge(f"A body holds at most {MAX_BYTES} bytes.")
        return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` holds.

    Raises:
        Malformed: it holds something else, or something that one reader would take
            for this and another for that.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except UnicodeDecodeError as error:
        raise Malformed("The body is not UTF-8.") from error
    except RecursionError as error:
        raise Malformed(f"JSON may be nested {MAX_DEPTH} deep.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not JSON ({where}).") from error
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    _check_bounds(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("A key stands twice in one object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON.")


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or (value := int(text)) not in _INTEGERS:
        raise Malformed("An integer has more than 64 bits.")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed("A number is too large.")
    return value


def _check_bounds(root: dict[str, Any]) -> None:
    """Refuse what is too deep, too much, or cannot be stored as text."""
    level: list[Any] = [root]
    nodes = 0
    for depth in itertools.count(1):
        if depth > MAX_DEPTH and any(isinstance(v, dict | list) for v in level):
            raise Malformed(f"JSON may be nested {MAX_DEPTH} deep.")
        nodes += len(level)
        if nodes > MAX_NODES:
            raise Malformed(f"JSON may hold {MAX_NODES} values.")
        if any(map(has_forbidden_characters, _texts(level))):
            raise Malformed("A text holds NUL or half a surrogate pair.")
        level = list(_children(level))
        if not level:
            return


def _texts(level: Iterable[Any]) -> Iterator[str]:
    for value in level:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value


def _children(level: Iterable[Any]) -> Iterator[Any]:
    for value in level:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, list):
            yield from value
