"""Read Stripe's log of events, so that a callback that was lost is found.

It is read backwards from the newest to where the last reading began. The cursor is
`SINCE`, or `SINCE:NEWEST:AFTER` in the middle: seconds, seconds, and the event after
which to go on. What is not in order does no harm, since deposits only move forward.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.connectors.port import Caller
from integrations.connectors.stripe import reading
from integrations.rules.things import Page, Remote

_PAGE = 100
# An event may show in the log somewhat later than it says.
_OVERLAP = 300
# These have our notes in them; refunds and disputes that others begin do not.
_ASKED_FOR = frozenset({"checkout.session", "payment_intent"})


def poll(call: Caller, cursor: str) -> Page:
    """Read on, a page at a time."""
    since, _, place = cursor.partition(":")
    newest, _, after = place.partition(":")
    since = since or _newest(call)
    if not since:
        return Page(remotes=(), cursor="")
    params: dict[str, Any] = {
        "limit": _PAGE,
        "types[]": list(reading.EVENTS),
        "created[gte]": int(since) - _OVERLAP,
    }
    if after:
        params["starting_after"] = after
    found = call("GET", "/v1/events", params=params).json
    events = found["data"]
    newest = newest or str(max((each["created"] for each in events), default=since))
    remotes = tuple(each for event in events for each in _told(event))
    if found.get("has_more") and events:
        on = f"{since}:{newest}:{events[-1]['id']}"
        return Page(remotes=remotes, cursor=on, has_more=True)
    return Page(remotes=remotes, cursor=newest)


def _newest(call: Caller) -> str:
    """Return when the newest event was: what came before a connection is not ours."""
    found = call("GET", "/v1/events", params={"limit": 1}).json["data"]
    return str(found[0]["created"]) if found else ""


def _told(event: Mapping[str, Any]) -> list[Remote]:
    """Return what an event is about; a callback that told it is known by its id.

    Payments that were not asked for by us are left out.
    """
    return [
        replace(each, told_as=str(event["id"]))
        for each in reading.of_event(event)
        if each.reference or each.remote_type not in _ASKED_FOR
    ]
