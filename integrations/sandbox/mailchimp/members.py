"""A contact of an audience, and what may become of it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from integrations.sandbox.mailchimp.problems import Problem, invalid

STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
LEFT = frozenset({"unsubscribed", "cleaned"})
"""Who has left, and is asked by mail ("pending") before being subscribed again."""

_TYPES: dict[str, tuple[type, ...]] = {
    "email_address": (str,),
    "email_type": (str,),
    "status": (str,),
    "status_if_new": (str,),
    "merge_fields": (dict,),
    "interests": (dict,),
    "language": (str,),
    "vip": (bool,),
    "ip_signup": (str,),
    "timestamp_signup": (str,),
    "ip_opt": (str,),
    "timestamp_opt": (str,),
    "marketing_permissions": (list,),
}
_PLAIN = _TYPES.keys() - {"status", "status_if_new", "merge_fields", "interests"}
_ADDRESS_NEEDS = ("addr1", "city", "state", "zip")


def hash_of(email: str) -> str:
    """Return what Mailchimp calls a contact: it names, and secures nothing."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def checked(
    body: dict[str, Any], *, skip_merge_validation: bool = False
) -> dict[str, Any]:
    """Return the body of a contact once its form is right.

    Raises:
        Problem: it is not.
    """
    wrong = {
        name: f"{kinds[0].__name__} is wanted"
        for name, kinds in _TYPES.items()
        if name in body and not isinstance(body[name], kinds)
    }
    for name in {"status", "status_if_new"} & body.keys() - wrong.keys():
        if body[name] not in STATUSES:
            wrong[name] = f"one of {', '.join(STATUSES)} is wanted"
    email = body.get("email_address", "a@b.c")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", str(email)):
        wrong["email_address"] = "an e-mail address is wanted"
    if not wrong and not skip_merge_validation:
        wrong = _wrong_merge_fields(body.get("merge_fields", {}))
    if wrong:
        raise invalid(**wrong)
    return body


def _wrong_merge_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """Mailchimp wants an address whole, or not at all."""
    address = fields.get("ADDRESS")
    if isinstance(address, dict) and not all(map(address.get, _ADDRESS_NEEDS)):
        return {"ADDRESS": f"{', '.join(_ADDRESS_NEEDS)} are wanted"}
    return {}


@dataclass(slots=True, kw_only=True)
class Member:
    """A contact. Archived ones stay, but are no longer on the list."""

    email_address: str
    status: str
    last_changed: datetime
    web_id: int
    contact_id: str = field(default_factory=lambda: uuid4().hex)
    unique_email_id: str = field(default_factory=lambda: uuid4().hex[:10])
    email_type: str = "html"
    merge_fields: dict[str, Any] = field(default_factory=dict)
    interests: dict[str, bool] = field(default_factory=dict)
    language: str = ""
    vip: bool = False
    ip_signup: str = ""
    timestamp_signup: str = ""
    ip_opt: str = ""
    timestamp_opt: str = ""
    marketing_permissions: list[Any] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    unsubscribe_reason: str = ""
    is_archived: bool = False

    @property
    def id(self) -> str:
        return hash_of(self.email_address)

    def take(self, body: Mapping[str, Any], *, status: str | None) -> None:
        """Take on what a call says.

        Raises:
            Problem: who has left cannot be subscribed by a call.
        """
        if status == "subscribed" and self.status in LEFT:
            raise Problem(
                400,
                "Member In Compliance State",
                f"{self.email_address} has left ({self.status}) and can only come "
                "back through a confirmation.",
            )
        self.status = status or self.status
        for name in _PLAIN & body.keys():
            setattr(self, name, body[name])
        self.merge_fields |= body.get("merge_fields", {})
        self.interests |= body.get("interests", {})

    def content(self) -> tuple[Any, ...]:
        """Return what makes `last_changed` move when it changes."""
        told = self.as_json(list_id="")
        told.pop("last_changed")
        return tuple(map(repr, told.values()))

    def as_json(self, *, list_id: str) -> dict[str, Any]:
        """Return the contact as Mailchimp shows it."""
        same = {name: getattr(self, name) for name in _PLAIN}
        names = [str(self.merge_fields.get(tag, "")) for tag in ("FNAME", "LNAME")]
        return {
            "id": self.id,
            "contact_id": self.contact_id,
            "unique_email_id": self.unique_email_id,
            "web_id": self.web_id,
            "full_name": " ".join(filter(None, names)),
            **same,
            "status": "archived" if self.is_archived else self.status,
            "unsubscribe_reason": self.unsubscribe_reason,
            "merge_fields": dict(self.merge_fields),
            "interests": dict(self.interests),
            "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
            "member_rating": 2,
            "last_changed": self.last_changed.isoformat(timespec="seconds"),
            "source": "API - Generic",
            "tags_count": len(self.tags),
            "tags": [{"id": each, "name": name} for name, each in self.tags.items()],
            "list_id": list_id,
            "_links": [],
        }
