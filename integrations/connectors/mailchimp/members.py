"""Members of the audience: written by consent, read as they are."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from urllib.parse import quote

from integrations.connectors.mailchimp.mapping import OURS_BY_MERGE_FIELD
from integrations.connectors.port import Answer, Caller, Known
from integrations.rules.refusals import Busy, NotYet, Refused
from integrations.rules.things import Fields, Page, Remote, Thing

GRANTED, REVOKED = "granted", "revoked"
# Those who get campaigns, or are just being asked whether they want to.
_RECEIVING = frozenset({"subscribed", "pending"})
# A lead and the customer that it became may be one member: each has its own link.
_TYPES = {"customer": "member", "lead": "lead_member"}
_NEEDED_OF_ADDRESS = ("addr1", "city", "state", "zip")
_PAGE = 500
# Polls overlap: what changed while the last one was read is read again.
_OVERLAP = timedelta(minutes=1)
_NOT_FOUND = 404


def remote_type_of(kind: str) -> str:
    """Return what a member that stands for this kind of ours is called in links."""
    return _TYPES[kind]


def kind_of_type(remote_type: str) -> str:
    """Return the kind of ours that such a link is for, or nothing."""
    return next((kind for kind, name in _TYPES.items() if name == remote_type), "")


def path_of(call: Caller, member: str = "") -> str:
    """Return the path of the audience, or of a member in it."""
    audience = f"/3.0/lists/{quote(str(call.settings['list_id']), safe='')}"
    return f"{audience}/members/{quote(member, safe='')}" if member else audience


def hash_of(email: str) -> str:
    """Return Mailchimp's name for an address."""
    return md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def upsert(call: Caller, thing: Thing, body: Mapping[str, Any]) -> Remote:
    """Create the member of an address, or change it where it is one already.

    `status_if_new` is all that is said of consent: whoever is there keeps his choice.
    """
    email = _email(thing)
    sent = {
        **_clean(body, agreed={}),
        "email_address": email,
        "status_if_new": _status_if_new(call, thing),
    }
    answer = call(
        "PUT",
        path_of(call, hash_of(email)),
        params={"skip_merge_validation": "true"},
        json=sent,
    )
    member = _member(answer.json)
    _tag(call, hash_of(email), thing, body)
    return remote_of(call, member, kind=thing.kind)


def change(
    call: Caller,
    thing: Thing,
    known: Known,
    body: Mapping[str, Any],
    changed: frozenset[str],
) -> Remote:
    """Change a member. Its status is left alone, unless we were told no."""
    member_id = known.ids[remote_type_of(thing.kind)]
    sent = {**_clean(body, agreed=known.agreed), "email_address": _email(thing)}
    if "email_marketing" in changed and (
        status := _status_after(call, thing, member_id)
    ):
        # By itself, so that no fault in another field keeps campaigns going.
        _patch(call, member_id, {"status": status})
    answer = _patch(call, member_id, sent)
    _tag(call, member_id, thing, body)
    return remote_of(call, _member(answer.json), kind=thing.kind)


def refuse_to_carry_over(call: Caller, thing: Thing, member_id: str) -> None:
    """Let no subscription move to an address that never agreed to it.

    Raises:
        Refused
    """
    if thing.fields.get("email_marketing") == GRANTED:
        return
    member = read(call, member_id, kind=thing.kind)
    if member is None or member.fields["status"] not in _RECEIVING:
        return
    if member.fields["email"] != _email(thing):
        raise Refused(
            "The member subscribed with another address. The new one has not agreed to "
            "advertising: record its consent, or change the address at Mailchimp."
        )


def read_by_email(call: Caller, email: str, *, kind: str) -> Remote | None:
    """Return the member with this address, if there is one."""
    return read(call, hash_of(email), kind=kind)


def read(call: Caller, member_id: str, *, kind: str) -> Remote | None:
    """Return a member as it stands now."""
    try:
        answer = call("GET", path_of(call, member_id))
    except Refused as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise
    return remote_of(call, _member(answer.json), kind=kind)


def changed_since(call: Caller, cursor: str) -> Page:
    """Read on in what changed; the cursor is `since|newest so far|offset`.

    All pages of one round ask for the same time, so that none is left out.
    """
    since, newest, offset = [*cursor.split("|"), "", ""][:3]
    start = int(offset or 0)
    params: dict[str, Any] = {"count": _PAGE, "offset": start}
    if since:
        params["since_last_changed"] = since
    body = call("GET", f"{path_of(call)}/members", params=params).json
    rows = body.get("members") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise Busy("The answer has no list of members.")
    remotes = tuple(remote_of(call, _member(row), kind="customer") for row in rows)
    newest = max([newest, *(_moment(row.get("last_changed")) for row in rows)])
    if len(rows) == _PAGE:
        on = f"{since}|{newest}|{start + _PAGE}"
        return Page(remotes=remotes, cursor=on, has_more=True)
    return Page(remotes=remotes, cursor=_with_overlap(newest) or since)


def remote_of(call: Caller, member: Mapping[str, Any], *, kind: str) -> Remote:
    """Return a member in our words."""
    by_hash = call.settings.get("address_members_by") == "hash"
    number = str(member.get("contact_id") or "")
    changed = _moment(member.get("last_changed"))
    return Remote(
        kind="member",
        remote_type=remote_type_of(kind),
        remote_id=str(member["id"]) if by_hash or not number else number,
        fields={
            "email": str(member.get("email_address") or "").strip().lower(),
            "status": str(member.get("status") or ""),
            "reason": str(member.get("unsubscribe_reason") or ""),
            "changed": changed,  # a second no is news, though it reads the same
        },
        version=changed,
        changed_at=datetime.fromisoformat(changed) if changed else None,
    )


def _status_if_new(call: Caller, thing: Thing) -> str:
    if thing.fields.get("email_marketing") != GRANTED:
        return "transactional"
    return "pending" if _says_yes(call, "double_opt_in") else "subscribed"


def _patch(call: Caller, member_id: str, sent: Mapping[str, Any]) -> Answer:
    return call(
        "PATCH",
        path_of(call, member_id),
        params={"skip_merge_validation": "true"},
        json=sent,
        may_repeat=True,
    )


def _status_after(call: Caller, thing: Thing, member_id: str) -> str:
    """Return the status that follows from a new word of theirs, if one does.

    It is only ever a step away from campaigns, or the question to the person.
    """
    word = thing.fields.get("email_marketing")
    member = read(call, member_id, kind=thing.kind)
    status = member.fields["status"] if member else ""
    if word == REVOKED and status in _RECEIVING:
        return "unsubscribed"
    may_ask = _says_yes(call, "confirm_known_contacts")
    if word == GRANTED and status == "transactional" and may_ask:
        return "pending"
    return ""


def _tag(call: Caller, member_id: str, thing: Thing, body: Mapping[str, Any]) -> None:
    """Add tags; those that are there stay, so that twice is as good as once."""
    wanted = [call.settings.get("tag", "Fieldbook"), thing.kind]
    wanted += [str(tag) for tag in (body.get("tags") or {}).values()]
    tags = [{"name": name, "status": "active"} for name in wanted if name]
    call(
        "POST",
        f"{path_of(call, member_id)}/tags",
        json={"tags": tags},
        may_repeat=True,
    )


def _clean(body: Mapping[str, Any], *, agreed: Fields) -> dict[str, Any]:
    """Return what is a member's, without half addresses.

    A blank only replaces what they had from us.
    """
    sent = {
        name: value for name, value in body.items() if name not in {"consent", "tags"}
    }
    merge = {
        name: value
        for name, value in sent.pop("merge_fields", {}).items()
        if value or agreed.get(OURS_BY_MERGE_FIELD.get(name, ""))
    }
    address = merge.pop("ADDRESS", {})
    if isinstance(address, Mapping) and all(
        address.get(part) for part in _NEEDED_OF_ADDRESS
    ):
        merge["ADDRESS"] = address
    return {**sent, "merge_fields": merge}


def _email(thing: Thing) -> str:
    email = str(thing.fields.get("email") or "").strip().lower()
    if not email:
        raise NotYet("There is no e-mail address to know them by.")
    return email


def _member(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping) or not found.get("id"):
        raise Busy("The answer is no member.")
    return found


def _moment(said: Any) -> str:
    """Return their time as ours: UTC, RFC 3339; blank where it is none."""
    try:
        moment = datetime.fromisoformat(str(said or ""))
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _with_overlap(newest: str) -> str:
    if not newest:
        return ""
    moment = datetime.fromisoformat(newest) - _OVERLAP
    return moment.isoformat(timespec="seconds")


def _says_yes(call: Caller, name: str) -> bool:
    return str(call.settings.get(name, "")).lower() in {"yes", "true", "1"}
