"""What a call to Mailchimp says, read and checked."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.mailchimp.members import Member, checked
from integrations.sandbox.mailchimp.problems import Problem, invalid
from integrations.sandbox.wire import Request


def key_of(authorization: str) -> str:
    """Return the key: the password of Basic with any name, or a Bearer token."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def json_of(request: Request) -> dict[str, Any]:
    """Return the body, an object.

    Raises:
        Problem: it is none.
    """
    try:
        body = request.json()
    except ValueError as error:
        raise Problem(400, "JSON Parse Error", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise invalid(body="an object is wanted")
    return body


def member_of(request: Request) -> dict[str, Any]:
    """Return the body, a contact."""
    skips = dict(request.params).get("skip_merge_validation") == "true"
    return checked(json_of(request), skip_merge_validation=skips)


def is_tag(tag: Any) -> bool:
    """Tell whether this is a tag to be put on or taken off."""
    return (
        isinstance(tag, dict)
        and isinstance(tag.get("name"), str)
        and tag.get("status") in {"active", "inactive"}
    )


def is_wanted(member: Member, params: Mapping[str, str]) -> bool:
    """Tell whether a list shows this contact; archived ones only when asked for."""
    status = params.get("status")
    if member.last_changed <= _moment(params, "since_last_changed"):
        return False
    if status == "archived" or member.is_archived:
        return status == "archived" and member.is_archived
    return status in {None, member.status}


def _moment(params: Mapping[str, str], name: str) -> datetime:
    """Return the instant that a parameter names, or the first there is.

    Raises:
        Problem: it names none.
    """
    try:
        found = datetime.fromisoformat(params.get(name, "0001-01-01"))
    except ValueError as error:
        raise invalid(**{name: "an ISO 8601 time is wanted"}) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def whole_number(
    params: Mapping[str, str], name: str, *, default: int, most: int
) -> int:
    """Return the number that a parameter names.

    Raises:
        Problem: it names none, or one too large.
    """
    text = params.get(name, str(default))
    if not text.isdigit() or int(text) > most:
        raise invalid(**{name: f"a number up to {most} is wanted"})
    return int(text)


def only(body: Any, fields: str) -> Any:
    """Return the parts of an answer that `fields` names, such as `members.id,links`."""
    if not fields:
        return body
    if isinstance(body, list):
        return [only(each, fields) for each in body]
    wanted: dict[str, list[str]] = {}
    for path in fields.split(","):
        name, _, rest = path.partition(".")
        wanted.setdefault(name, []).append(rest)
    return {
        name: only(body[name], ",".join(filter(None, rest)))
        for name, rest in wanted.items()
        if name in body
    }
