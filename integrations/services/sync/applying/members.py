"""Take in what somebody told a mailing list: no more of it, or another address."""

from datetime import datetime

from integrations.models import Connection, ExternalLink, InboundEvent, InboundState
from integrations.rules.merging import OURS, Clash
from integrations.rules.things import Remote
from integrations.services.sync.applying.taking import TakenIn
from integrations.services.sync.conflicts import close_agreed, note_conflict
from integrations.services.sync.links import link_of
from integrations.services.sync.mappings import actor_for
from integrations.services.sync.records import thing_of
from leads.models import ConsentAction, ConsentKind, Purpose
from leads.selectors import newest_words, normal_contact
from leads.services import Word, record_consent

# A cleaned address bounces for good, or its owner complained.
_WANTS_NO_MORE = frozenset({"unsubscribed", "cleaned"})
_MOVED = "The address was changed at the mailing list; change it here if it is theirs."
_EMAIL = "email"
KIND = "member"


def apply(
    *,
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Record a no, and flag an address that differs. See `Applier`.

    A yes is not taken in: what is agreed to with us is recorded with its words.
    """
    moved = _note_address(connection, remote, inbound, now=now)
    if remote.fields.get("status") not in _WANTS_NO_MORE:
        return moved
    said = _record_no(connection, remote, now=now)
    return moved if said.state == InboundState.IGNORED else said


def is_news(remote: Remote, *, link: ExternalLink | None) -> bool:
    """Tell whether a member that was polled says what we do not know."""
    theirs = remote.fields.get(_EMAIL)
    if link is not None and link.agreed.get(_EMAIL) != theirs:
        return True
    if remote.fields.get("status") not in _WANTS_NO_MORE:
        return False
    email = normal_contact(str(theirs or ""), ConsentKind.EMAIL)
    words = newest_words(address=email, kind=ConsentKind.EMAIL) if email else {}
    last = words.get(Purpose.MARKETING)
    if last is None or remote.changed_at is None:
        return email is not None
    return last.action == ConsentAction.GRANTED and last.at <= remote.changed_at


def _record_no(connection: Connection, remote: Remote, *, now: datetime) -> TakenIn:
    email = normal_contact(str(remote.fields.get(_EMAIL) or ""), ConsentKind.EMAIL)
    if email is None:
        return _ignored("It has no address.")
    words = newest_words(address=email, kind=ConsentKind.EMAIL)
    last = words.get(Purpose.MARKETING)
    said_at = min(remote.changed_at or now, now)
    if last is not None and last.action == ConsentAction.REVOKED:
        return _ignored("They said no before.")
    if last is not None and last.at > said_at:
        return TakenIn(state=InboundState.STALE, note="They have said yes since.")
    word = Word(
        contact=email,
        kind=ConsentKind.EMAIL,
        purpose=Purpose.MARKETING,
        action=ConsentAction.REVOKED,
        source=connection.vendor,
        evidence=f"{remote.fields['status']} {remote.fields.get('reason', '')}".strip(),
    )
    record_consent(word=word, actor=actor_for(connection), now=now, at=said_at)
    return TakenIn(state=InboundState.PROCESSED, note="No more advertising.")


def _note_address(
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    *,
    now: datetime,
) -> TakenIn:
    link = _locked(connection, remote)
    thing = thing_of(kind=link.object_type, object_id=link.object_id) if link else None
    if link is None or thing is None:
        return _ignored("Nothing that we use.")
    theirs, ours = remote.fields.get(_EMAIL), thing.fields.get(_EMAIL)
    if theirs == ours:
        close_agreed(link=link, fields={_EMAIL}, now=now)
    agreed = link.agreed.get(_EMAIL)
    if theirs in {ours, agreed}:
        return _ignored("Nothing that we use.")
    clash = Clash(field=_EMAIL, agreed=agreed, ours=ours, theirs=theirs, kept=OURS)
    note_conflict(link=link, clash=clash, why=_MOVED, inbound=inbound, now=now)
    return TakenIn(state=InboundState.PROCESSED, note=_MOVED)


def _locked(connection: Connection, remote: Remote) -> ExternalLink | None:
    found = link_of(connection=connection, remote=remote)
    if found is None:
        return None
    return ExternalLink.objects.select_for_update().get(pk=found.pk)


def _ignored(note: str) -> TakenIn:
    return TakenIn(state=InboundState.IGNORED, note=note)
