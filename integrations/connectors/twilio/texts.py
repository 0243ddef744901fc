"""Send a text, find one that may have been sent, and ask what a number is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.connectors.port import Caller
from integrations.rules.refusals import NoAnswer, Refused
from integrations.rules.things import Remote

OPTED_OUT = "21610"
# Codes that say something of one message or number, whatever their status.
ABOUT_THE_MESSAGE = frozenset(
    {21211, 21408, 21606, 21608, 21610, 21611, 21612, 21614, 21617}
)
_LANDLINES = frozenset({"landline", "fixedVoip", "tollFree", "premium"})
_NOT_FOUND = 404
_PAGE = 200
_PAGES = 5
# A kind of number changes about as often as its owner.
_REMEMBERED = timedelta(days=30).total_seconds()
# The vendor's clock and ours, and the time that a call takes.
_SLACK = timedelta(minutes=5)


def account_of(call: Caller) -> str:
    """Return the account that messages are of."""
    return str(call.settings.get("account_sid") or "")


def path_of(call: Caller, message_id: str = "") -> str:
    """Return the path of an account's messages, or of one of them."""
    below = f"/{message_id}" if message_id else ""
    return f"/2010-04-01/Accounts/{account_of(call)}/Messages{below}.json"


def send(call: Caller, *, to: str, body: str, callback: str) -> str:
    """Have a text sent; return Twilio's id of it.

    Raises:
        CallFailed: NoAnswer where it may have been sent.
    """
    form: dict[str, Any] = {"To": to, "Body": body}
    if service := call.settings.get("messaging_service_sid"):
        form["MessagingServiceSid"] = service
    else:
        form["From"] = call.settings.get("from_number") or ""
    if callback:
        form["StatusCallback"] = callback
    found = call("POST", path_of(call), form=form).json
    sid = found.get("sid") if isinstance(found, Mapping) else None
    if not sid:
        raise NoAnswer("Twilio's answer names no message.")
    return str(sid)


def find_sent(call: Caller, *, to: str, body: str, since: datetime) -> str | None:
    """Return the id of a text of these words to this number since then, if any.

    Twilio narrows by whole days of UTC, newest first.
    """
    path, params = path_of(call), _asked(to, since)
    for _ in range(_PAGES):
        found = call("GET", path, params=params).json
        for message in found.get("messages") or []:
            if message.get("body") == body and _is_since(message, since):
                return str(message["sid"])
        following = found.get("next_page_uri")
        if not following:
            return None
        path, params = str(following), {}
    return None


def read(call: Caller, message_id: str) -> Remote | None:
    """Return a message as it stands."""
    try:
        found = call("GET", path_of(call, message_id)).json
    except Refused as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise
    return Remote(
        kind="message",
        remote_type="message",
        remote_id=message_id,
        fields={
            "status": str(found.get("status") or ""),
            "error": str(found.get("error_code") or ""),
        },
    )


def is_landline(call: Caller, number: str) -> bool:
    """Tell whether a number cannot read texts; asked once a month for each."""
    kept = call.recall(f"line:{number}")
    if kept is None:
        found = call(
            "GET",
            f"/v2/PhoneNumbers/{number}",
            params={"Fields": "line_type_intelligence"},
            host="lookups",
        ).json
        kept = str((found.get("line_type_intelligence") or {}).get("type") or "unknown")
        call.remember(f"line:{number}", kept, seconds=_REMEMBERED)
    return kept in _LANDLINES


def _asked(to: str, since: datetime) -> dict[str, Any]:
    day = (since - _SLACK).astimezone(UTC).date()
    return {"To": to, "DateSent>": day.isoformat(), "PageSize": _PAGE}


def _is_since(message: Mapping[str, Any], since: datetime) -> bool:
    try:
        created = parsedate_to_datetime(str(message.get("date_created")))
    except ValueError:
        return True  # it does not say: rather none too few than one too many
    return created >= since - _SLACK
