"""What a body must hold, member by member."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from integrations.sandbox.servicetitan.problems import Problem

Check: TypeAlias = "Callable[[Any], bool] | Shape | Sequence[Shape]"


@dataclass(frozen=True, slots=True)
class Shape:
    """An object: its required members, and those that may be null or left out."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)

    def read(self, body: Any) -> dict[str, Any]:
        """Return the members that we know; others are ignored.

        Raises:
            Problem: 400, with all that is wrong.
        """
        errors: dict[str, list[str]] = {}
        for member, message in _wrong(self, body, at=""):
            errors.setdefault(member, []).append(message)
        if errors:
            raise Problem(400, "One or more validation errors occurred.", errors=errors)
        known = {**self.required, **self.optional}
        return {name: body[name] for name in known if body.get(name) is not None}


def is_text(value: Any) -> bool:
    """Tell whether it is a string."""
    return isinstance(value, str)


def is_filled(value: Any) -> bool:
    """Tell whether it is a string that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_number(value: Any) -> bool:
    """Tell whether it is an id or another whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_flag(value: Any) -> bool:
    """Tell whether it is true or false."""
    return isinstance(value, bool)


def is_moment(value: Any) -> bool:
    """Tell whether it is a time with an offset."""
    return isinstance(value, str) and moment(value) is not None


def is_numbers(value: Any) -> bool:
    """Tell whether it is a list of ids."""
    return isinstance(value, list) and all(map(is_number, value))


def one_of(*words: str) -> Callable[[Any], bool]:
    """Return a check for one of these words."""
    return lambda value: value in words


def moment(value: str) -> datetime | None:
    """Read a time in RFC 3339; None where it is none, or names no offset."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if read.tzinfo is None else read.astimezone(UTC)


def written(when: datetime) -> str:
    """Write a time as ServiceTitan does, with ticks of a ten-millionth second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def plain(value: str | None) -> str | None:
    """Write a time that somebody sent as UTC, to the second."""
    read = moment(value) if value else None
    return read.strftime("%Y-%m-%dT%H:%M:%SZ") if read else None


def _wrong(check: Check, value: Any, *, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(check, Shape):
        yield from _wrong_members(check, value, at=at)
    elif callable(check):
        if not check(value):
            yield at, f"The value {value!r} is not valid for {at}."
    elif not isinstance(value, list):
        yield at, "A list is expected."
    else:
        for number, item in enumerate(value):
            yield from _wrong(check[0], item, at=f"{at}[{number}]")


def _wrong_members(shape: Shape, value: Any, *, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield at or "$", "An object is expected."
        return
    for name in shape.required:
        if value.get(name) is None:
            yield _path(at, name), f"The {name} field is required."
    for name, check in {**shape.required, **shape.optional}.items():
        if value.get(name) is not None:
            yield from _wrong(check, value[name], at=_path(at, name))


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
