"""What shows of a callback from outside: its type, what it is about, and its identity.

The identity (`dedupe_key`) comes from what the sender has signed, never from a header
that anybody may change. What a callback means, only a connector can tell.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

_FORM = "application/x-www-form-urlencoded"
_SENDING_FORMS = ("mailchimp", "twilio")
_LONGEST_ID = 100
_MOST_FIELDS = 1000


class Unreadable(ValueError):
    """It is not in the format of its vendor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The outside of a callback."""

    dedupe_key: str
    event_type: str = ""
    external_id: str = ""
    occurred_at: datetime | None = None


def envelope_of(vendor: str, body: bytes, *, content_type: str) -> Envelope:
    """Read the outside of a callback.

    Raises:
        Unreadable
    """
    # Where the type is not signed, it must not decide how a body is read.
    is_form = content_type.partition(";")[0].strip().lower() == _FORM
    if is_form and vendor in _SENDING_FORMS:
        return _READERS.get(vendor, _anything)(_form(body), body)
    return _READERS.get(vendor, _anything)(_json(body), body)


def is_probe_of_housecallpro(body: bytes) -> bool:
    """Tell whether a body is what Housecall Pro tries a new URL with: no event."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "event" not in said


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON.") from error
    if not isinstance(said, dict):
        raise Unreadable("The body is not a JSON object.")
    return said


def _form(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Unreadable("The body is not a form.") from error
    return dict(sorted(pairs))


def _stripe(said: Mapping[str, Any], body: bytes) -> Envelope:
    return Envelope(
        event_type=_text(said.get("type")),
        external_id=_text(_inside(said, "data", "object", "id")),
        dedupe_key=_short(_text(said.get("id"))) or _hash_of(body),
        occurred_at=_from_seconds(said.get("created")),
    )


def _housecallpro(said: Mapping[str, Any], body: bytes) -> Envelope:
    name = _text(said.get("event"))
    record = "appointment" if name.startswith("job.appointment.") else name
    return Envelope(
        event_type=name,
        external_id=_text(_inside(said, record.partition(".")[0], "id")),
        dedupe_key=_hash_of(body),
        occurred_at=_from_text(said.get("event_occurred_at")),
    )


def _mailchimp(said: Mapping[str, Any], body: bytes) -> Envelope:
    """Read a form; all of its fields, in whatever order, are its identity.

    Type, time and address alone would make one of two changes in the same second.
    """
    return Envelope(
        event_type=_text(said.get("type")),
        external_id=_text(said.get("data[new_email]") or said.get("data[email]")),
        dedupe_key=_hash_of(json.dumps(said).encode()),
        occurred_at=_from_text(said.get("fired_at")),
    )


def _twilio(said: Mapping[str, Any], body: bytes) -> Envelope:
    """Read what became of a message, or one that came in.

    `I-Twilio-Idempotency-Token` would name a repetition too, but nobody signs it.
    """
    message = _text(said.get("MessageSid") or said.get("SmsSid"))
    if not message:
        return _anything(said, body)
    status = _text(said.get("MessageStatus")) or "received"
    key = f"{message}|{status}|{_text(said.get('ErrorCode'))}"
    return Envelope(
        event_type=f"message.{status}",
        external_id=message,
        dedupe_key=_short(key),
    )


def _servicetitan(said: Mapping[str, Any], body: bytes) -> Envelope:
    """Read what is no more than a hint: ServiceTitan publishes no format."""
    names = (said.get(key) for key in ("eventType", "event", "type"))
    return Envelope(
        event_type=next((name for name in names if isinstance(name, str)), ""),
        external_id=_text(_inside(said, "data", "id") or said.get("id")),
        dedupe_key=_hash_of(body),
    )


def _anything(said: Mapping[str, Any], body: bytes) -> Envelope:
    return Envelope(event_type=_text(said.get("type")), dedupe_key=_hash_of(body))


_READERS: Mapping[str, Callable[[Mapping[str, Any], bytes], Envelope]] = {
    "stripe": _stripe,
    "housecallpro": _housecallpro,
    "mailchimp": _mailchimp,
    "twilio": _twilio,
    "servicetitan": _servicetitan,
}


def _hash_of(said: bytes) -> str:
    return f"sha256:{hashlib.sha256(said).hexdigest()}"


def _short(key: str) -> str:
    """Return an identity as it is, or what stands for a long one."""
    return key if len(key) <= _LONGEST_ID else _hash_of(key.encode(errors="replace"))


def _inside(said: Any, *path: str) -> Any:
    for name in path:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _text(value: Any) -> str:
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_plain else ""


def _from_seconds(value: Any) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return _within_bounds(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _from_text(value: Any) -> datetime | None:
    """Return a moment, UTC unless it says otherwise; None for what is none."""
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return _within_bounds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _within_bounds(moment: datetime) -> datetime | None:
    return moment if 2000 <= moment.year < 2100 else None  # noqa: PLR2004  # as everywhere
