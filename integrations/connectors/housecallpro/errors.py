"""The five shapes in which Housecall Pro says what was wrong."""

from collections.abc import Mapping
from typing import Any


def sentence(body: Any) -> str:
    """Return what an error answer says; nothing where it is no JSON (an HTML page).

    `{message}`, `{error: {message}}`, `{error: "..."}`, `{errors: {field: [...]}}` and
    `{message, attr: [...]}`.
    """
    if not isinstance(body, Mapping):
        return ""
    said = [_text(body.get("message"))]
    error = body.get("error")
    said.append(_text(error.get("message") if isinstance(error, Mapping) else error))
    said += _by_field(body.get("errors"))
    said += _by_field(
        {
            name: value
            for name, value in body.items()
            if name not in {"message", "error", "errors"} and isinstance(value, list)
        }
    )
    return "; ".join(filter(None, said))


def _by_field(errors: Any) -> list[str]:
    if isinstance(errors, Mapping):
        listed = {
            name: each if isinstance(each, list) else [each]
            for name, each in errors.items()
        }
        return [
            f"{name}: {', '.join(map(_text, each))}" for name, each in listed.items()
        ]
    return [_text(each) for each in errors] if isinstance(errors, list) else []


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""
