"""An audience: its contacts, its webhooks, and what it tells them."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.mailchimp.members import Member, hash_of
from integrations.sandbox.mailchimp.problems import Problem, invalid, not_found
from integrations.sandbox.wire import Callback

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = ("user", "admin", "api")
_HEADERS = {"User-Agent": "MailChimp"}
_FORM = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Audience:
    """One list."""

    id: str
    members: dict[str, Member] = field(default_factory=dict)
    """By hash."""
    forgotten: set[str] = field(default_factory=set)
    """Hashes of who was deleted for good, and may only come back by themselves."""
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def as_json(self) -> dict[str, Any]:
        """Return the list as Mailchimp shows it."""
        there = [each for each in self.members.values() if not each.is_archived]
        count = sum(each.status == "subscribed" for each in there)
        return {
            "id": self.id,
            "name": f"Audience {self.id}",
            "stats": {"member_count": count},
            "_links": [],
        }

    def member(self, key: str) -> Member:
        """Return a contact by hash, address or contact id; archived ones too.

        Raises:
            Problem: there is none.
        """
        found = self.members.get(key) or self.members.get(hash_of(key))
        for member in self.members.values():
            found = member if member.contact_id == key else found
        if found is None:
            raise not_found()
        return found

    def upsert(self, key: str, body: Mapping[str, Any], *, now: datetime) -> Member:
        """Change a contact, or add one that is not on the list.

        Raises:
            Problem: it may not come (back), or the body does not say enough.
        """
        member = self.members.get(key) or self.members.get(hash_of(key))
        if member is not None and not member.is_archived:
            return self._changed(member, body, status=body.get("status"), now=now)
        missing = {"email_address", "status_if_new"} - body.keys()
        if missing:
            raise invalid(**dict.fromkeys(sorted(missing), "is missing"))
        if key not in {hash_of(body["email_address"]), body["email_address"]}:
            raise invalid(email_address="is not the one of the path")
        return self.add(body, status=body["status_if_new"], now=now)

    def add(
        self,
        body: Mapping[str, Any],
        *,
        status: str,
        now: datetime,
        by_the_person: bool = False,
    ) -> Member:
        """Put a contact on the list, or back on it.

        Raises:
            Problem: it was deleted for good, has left, or is there.
        """
        key = hash_of(body["email_address"])
        if key in self.forgotten and not by_the_person:
            raise Problem(
                400,
                "Forgotten Email Not Subscribed",
                f"{body['email_address']} was deleted for good and cannot be imported.",
            )
        member = self.members.get(key) or Member(
            email_address=body["email_address"],
            status="",
            last_changed=now,
            web_id=next(self._numbers),
            timestamp_signup=now.isoformat(timespec="seconds"),
        )
        if by_the_person:
            member.status = "pending"
        member.take(body, status=status)
        member.is_archived = False
        member.last_changed = now
        self.forgotten.discard(key)
        self.members[member.id] = member
        return member

    def change(self, key: str, body: Mapping[str, Any], *, now: datetime) -> Member:
        """Change a contact that is there."""
        return self._changed(self.member(key), body, status=body.get("status"), now=now)

    def _changed(
        self,
        member: Member,
        body: Mapping[str, Any],
        *,
        status: str | None,
        now: datetime,
    ) -> Member:
        before, before_id = member.content(), member.id
        new_id = hash_of(body.get("email_address", member.email_address))
        if new_id != before_id and new_id in self.members:
            raise Problem(400, "Member Exists", "Another contact has that address.")
        member.take(body, status=status)
        if member.content() != before:
            member.last_changed = now
        self.members[member.id] = self.members.pop(before_id)
        return member

    def tag(self, member: Member, tags: list[Mapping[str, str]]) -> None:
        """Put tags on and take them off; the same call twice changes nothing."""
        for tag in tags:
            if tag["status"] == "active":
                known = {
                    name: number
                    for each in self.members.values()
                    for name, number in each.tags.items()
                }
                number = known.get(tag["name"]) or next(self._numbers)
                member.tags.setdefault(tag["name"], number)
            else:
                member.tags.pop(tag["name"], None)

    def snapshot(self) -> dict[str, Member]:
        """Return the contacts as they are now, by contact id."""
        return {member.contact_id: deepcopy(member) for member in self.members.values()}

    def news(
        self, before: Mapping[str, Member], *, source: str, now: datetime
    ) -> list[Callback]:
        """Return the calls of the webhooks that want to hear what has changed."""
        told = []
        for member in self.members.values():
            told += list(_changes(before.get(member.contact_id), member))
        there = {member.contact_id for member in self.members.values()}
        for contact_id, member in before.items():
            if contact_id not in there and member.status == "subscribed":
                told.append(("unsubscribe", member, {"action": "delete"}))
        return [
            _callback(hook["url"], self.id, kind, member, extra, now)
            for kind, member, extra in told
            for hook in self.webhooks.values()
            if hook["events"][kind] and hook["sources"][source]
        ]

    def add_webhook(self, body: Any) -> tuple[dict[str, Any], list[Callback]]:
        """Keep a URL that is to be told; Mailchimp looks whether somebody is there.

        Raises:
            Problem: no URL, or one that is kept already.
        """
        if not isinstance(body, dict) or not isinstance(body.get("url"), str):
            raise invalid(url="is missing")
        if body["url"] in {hook["url"] for hook in self.webhooks.values()}:
            raise invalid(url="is a webhook of this audience already")
        hook = {
            "id": f"{next(self._numbers):010x}",
            "url": body["url"],
            "events": {name: _is_on(body, "events", name) for name in EVENTS},
            "sources": {name: _is_on(body, "sources", name) for name in SOURCES},
            "list_id": self.id,
            "_links": [],
        }
        self.webhooks[str(hook["id"])] = hook
        look = Callback(url=body["url"], headers=_HEADERS, body=b"", method="GET")
        return hook, [look]

    def drop_webhook(self, *, url: str) -> None:
        """Forget the webhook with this URL, if there is one."""
        self.webhooks = {
            name: hook for name, hook in self.webhooks.items() if hook["url"] != url
        }


def _is_on(body: Mapping[str, Any], group: str, name: str) -> bool:
    return bool(body.get(group, {}).get(name, False))


Change = tuple[str, Member, dict[str, str]]


def _changes(before: Member | None, after: Member) -> Iterator[Change]:
    """Yield what a webhook is told of the way from one to the other."""
    was = before.status if before and not before.is_archived else ""
    now = "" if after.is_archived else after.status
    if was != now:
        yield from _moves(was, now, after)
    if before and before.email_address != after.email_address:
        emails = {"old_email": before.email_address, "new_email": after.email_address}
        yield "upemail", after, {"new_id": after.unique_email_id, **emails}
        yield "profile", after, {}
    elif before and before.merge_fields != after.merge_fields:
        yield "profile", after, {}


def _moves(was: str, now: str, member: Member) -> Iterator[Change]:
    if now == "subscribed":
        yield "subscribe", member, {}
    elif now == "cleaned":
        yield "cleaned", member, {"reason": "hard"}
    elif was == "subscribed":
        reason = member.unsubscribe_reason or "manual"
        action = "unsub" if now else "delete"
        yield "unsubscribe", member, {"action": action, "reason": reason}


def _callback(
    url: str,
    list_id: str,
    kind: str,
    member: Member,
    extra: Mapping[str, str],
    now: datetime,
) -> Callback:
    fired_at = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    form = {"type": kind, "fired_at": fired_at, "data[list_id]": list_id}
    form |= {f"data[{name}]": value for name, value in extra.items()}
    if kind != "upemail":
        form["data[email]"] = member.email_address
    if kind in {"subscribe", "unsubscribe", "profile"}:
        form["data[id]"] = member.unique_email_id
        form["data[email_type]"] = member.email_type
        form["data[ip_opt]"] = member.ip_opt
        form["data[web_id]"] = str(member.web_id)
        merges = {"EMAIL": member.email_address, **member.merge_fields}
        form |= dict(_merges(merges, "data[merges]"))
    return Callback(url=url, headers=_FORM, body=urlencode(form).encode())


def _merges(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _merges(value, f"{prefix}[{name}]")
        else:
            yield f"{prefix}[{name}]", str(value)
