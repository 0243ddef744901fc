"""What people do in an audience: those who are on it, and those who keep it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from integrations.sandbox.mailchimp.audience import EVENTS, Audience
from integrations.sandbox.mailchimp.members import Member, hash_of
from integrations.sandbox.mailchimp.problems import Problem


def subscribe(
    audience: Audience,
    now: datetime,
    *,
    email: str,
    merge_fields: Mapping[str, Any] | None = None,
) -> None:
    """Somebody joins by the form, even somebody who had left or was forgotten."""
    body = {"email_address": email, "merge_fields": dict(merge_fields or {})}
    audience.add(body, status="subscribed", now=now, by_the_person=True)


def unsubscribe(
    audience: Audience, now: datetime, *, email: str, reason: str = "manual"
) -> None:
    """Somebody leaves by the link of a mail, or calls it abuse."""
    member = _there(audience, email)
    member.unsubscribe_reason = reason
    member.status = "unsubscribed"
    member.last_changed = now


def change_address(
    audience: Audience, now: datetime, *, email: str, new_email: str
) -> None:
    """Somebody has a new address: the contact gets another hash."""
    audience.change(_there(audience, email).id, {"email_address": new_email}, now=now)


def change_profile(
    audience: Audience, now: datetime, *, email: str, merge_fields: Mapping[str, Any]
) -> None:
    """Somebody changes what we know of them."""
    audience.change(_there(audience, email).id, {"merge_fields": merge_fields}, now=now)


def bounce(audience: Audience, now: datetime, *, email: str) -> None:
    """A mail comes back for good: the contact is cleaned."""
    member = _there(audience, email)
    member.status = "cleaned"
    member.last_changed = now


def delete(audience: Audience, now: datetime, *, email: str) -> None:
    """Somebody of the company archives a contact."""
    member = _there(audience, email)
    member.is_archived = True
    member.last_changed = now


def set_webhook(
    audience: Audience, now: datetime, *, url: str, api: bool = False
) -> None:
    """Somebody of the company enters a URL that hears of all, calls only with `api`."""
    sources = {"user": True, "admin": True, "api": api}
    events = dict.fromkeys(EVENTS, True)
    audience.add_webhook({"url": url, "events": events, "sources": sources})


ACTS: Mapping[str, Callable[..., None]] = {
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "change_address": change_address,
    "change_profile": change_profile,
    "bounce": bounce,
    "delete": delete,
    "set_webhook": set_webhook,
}


def _there(audience: Audience, email: str) -> Member:
    member = audience.members.get(hash_of(email))
    if member is None:
        raise Problem(404, "Resource Not Found", f"{email} is not on the list.")
    return member
