"""Which of theirs is which of ours: read, claimed, made and agreed on.

The first row of a thing is its main one: it holds what was agreed. Further rows are
further ids of the same thing. A claim is a main row that has no remote id yet.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from core.db import take_turns
from core.outbox import LEASE
from integrations.connectors.port import Known
from integrations.models import Connection, ExternalLink
from integrations.rules.merging import is_older
from integrations.rules.refusals import Postponed
from integrations.rules.things import Remote, Thing

# All calls of a try together take 20 s at most: whoever had it is over it by then.
CLAIM = LEASE + timedelta(seconds=15)
_WAIT = timedelta(seconds=2)


def links_of(*, connection: Connection, thing: Thing) -> list[ExternalLink]:
    """Return what links a thing to a vendor, the main row first."""
    rows = ExternalLink.objects.filter(
        connection=connection, object_type=thing.kind, object_id=thing.id
    )
    return list(rows.order_by("pk"))


def known_of(rows: list[ExternalLink], *, parents: Mapping[str, Known]) -> Known:
    """Return what a connector is told of a thing's life at the vendor."""
    return Known(
        ids={row.remote_type: row.remote_id for row in rows if row.remote_id},
        agreed=rows[0].agreed if rows else {},
        parents=parents,
    )


def link_of(*, connection: Connection, remote: Remote) -> ExternalLink | None:
    """Return the row of one of theirs, by its id or by one that belongs to it.

    What shares only a further id with a thing of another id of its own is another: a
    job has more than one appointment.
    """
    ids = [(remote.remote_type, remote.remote_id), *remote.also.items()]
    wanted = Q()
    for remote_type, remote_id in ids:
        if remote_id:
            wanted |= Q(remote_type=remote_type, remote_id=remote_id)
    if not wanted:
        return None
    rows = ExternalLink.objects.filter(wanted, connection=connection)
    found = list(rows.order_by("pk"))
    own = next((row for row in found if row.remote_type == remote.remote_type), None)
    if own is not None or not found:
        return own
    others = rows_beside(found[0]).filter(remote_type=remote.remote_type)
    return None if others.exclude(remote_id="").exists() else found[0]


def rows_beside(link: ExternalLink) -> QuerySet[ExternalLink]:
    """Return all rows of the thing that a row is of."""
    return ExternalLink.objects.filter(
        connection=link.connection_id,
        object_type=link.object_type,
        object_id=link.object_id,
    )


def turn_of(*, connection: Connection, kind: str, object_id: uuid.UUID) -> str:
    """Return whose turn it is to write the first row of a thing's links."""
    return f"link {connection.pk} {kind} {object_id}"


@transaction.atomic
def claim(*, connection: Connection, thing: Thing) -> tuple[ExternalLink, bool]:
    """Claim the right to create a thing at a vendor; return the row.

    The second value tells that it may be there already: somebody began to create it
    and never said what came of it. A row with a remote id needs no claim.

    Raises:
        Postponed: somebody else is creating it at this moment.
    """
    take_turns(turn_of(connection=connection, kind=thing.kind, object_id=thing.id))
    own = ExternalLink.objects.filter(
        connection=connection, object_type=thing.kind, object_id=thing.id
    )
    main = own.order_by("pk").first()
    if main is not None and main.remote_id:
        return main, False
    token = uuid.uuid4()
    held = {"claim_token": token, "claimed_until": Now() + CLAIM}
    if main is None:
        return _begun(connection, thing, held), False
    if not own.filter(pk=main.pk, claimed_until__lt=Now()).update(**held):
        raise Postponed("Somebody else is creating it just now.", retry_after=_WAIT)
    main.claim_token = token
    return main, True


def renew(link: ExternalLink) -> None:
    """Hold a claim for as long as one more call may take.

    Raises:
        Postponed: it has been taken over.
    """
    if not _held(link).update(claimed_until=Now() + CLAIM):
        raise Postponed("The claim was taken over.", retry_after=_WAIT)


def give_up(link: ExternalLink, *, was_it_sent: bool) -> None:
    """End a claim that came to nothing; if it may have been sent, others search."""
    if was_it_sent:
        _held(link).update(claimed_until=Now() - timedelta(seconds=1))
    else:
        _held(link).delete()


@transaction.atomic
def make(
    *,
    link: ExternalLink,
    remote: Remote,
    origin: ExternalLink.Origin,
    agreed: Mapping[str, Any],
) -> ExternalLink:
    """Turn a claim into a link, and list the further ids.

    Raises:
        Postponed: the claim has been taken over: whoever did finds the thing.
        TakenByOther: their thing is linked to another of ours.
    """
    other = other_with(link, remote)
    if other is not None:
        raise TakenByOther(
            f"{remote.remote_type} {remote.remote_id} is linked to another "
            f"{other.object_type} of ours, {other.object_id}."
        )
    change = {
        "remote_type": remote.remote_type,
        "remote_id": remote.remote_id,
        "remote_version": remote.version,
        "agreed": dict(agreed),
        "origin": origin,
        "claim_token": None,
        "claimed_until": None,
        "pushed_at": Now(),
        "is_gone": False,
    }
    if not _held(link).update(**change):
        raise Postponed("The claim was taken over.", retry_after=_WAIT)
    link.refresh_from_db()
    list_more(link, remote)
    return link


def list_more(main: ExternalLink, remote: Remote) -> None:
    """List further ids of a linked thing; a changed one replaces the old."""
    ids = {remote.remote_type: remote.remote_id, **remote.also}
    for remote_type, remote_id in ids.items():
        if not remote_id or remote_type == main.remote_type:
            continue
        further = Remote(kind="", remote_type=remote_type, remote_id=remote_id)
        if other_with(main, further) is not None:
            continue  # theirs may share one; it stays with whom it came to first
        ExternalLink.objects.update_or_create(
            connection_id=main.connection_id,
            object_type=main.object_type,
            object_id=main.object_id,
            remote_type=remote_type,
            defaults={"remote_id": remote_id, "origin": main.origin},
        )


@transaction.atomic
def agree(*, link: ExternalLink, on: Mapping[str, Any], remote: Remote | None) -> None:
    """Note that the vendor was told of these fields, and as which version.

    What came in from there meanwhile, about other fields, is left as it is.
    """
    locked = ExternalLink.objects.select_for_update().get(pk=link.pk)
    locked.agreed = {**locked.agreed, **on}
    if remote is not None and remote.remote_type == locked.remote_type:
        locked.remote_version = newest(remote.version, locked.remote_version)
    locked.save(update_fields=["agreed", "remote_version"])
    ExternalLink.objects.filter(pk=link.pk).update(pushed_at=Now())
    if remote is not None:
        list_more(locked, remote)


def other_with(link: ExternalLink, remote: Remote) -> ExternalLink | None:
    """Return the link of another thing of ours to that very one of theirs."""
    rows = ExternalLink.objects.filter(
        connection=link.connection_id,
        remote_type=remote.remote_type,
        remote_id=remote.remote_id,
    )
    return rows.exclude(object_type=link.object_type, object_id=link.object_id).first()


def newest(version: str, known: str) -> str:
    """Return the newer of two versions: they never go back."""
    return known if not version or is_older(version, known) else version


class TakenByOther(Exception):
    """Two of ours would be one of theirs."""


def _begun(
    connection: Connection, thing: Thing, held: Mapping[str, Any]
) -> ExternalLink:
    """Insert the row of a claim."""
    return ExternalLink.objects.create(
        connection=connection,
        object_type=thing.kind,
        object_id=thing.id,
        remote_type="",
        **held,
    )


def _held(link: ExternalLink) -> QuerySet[ExternalLink]:
    return ExternalLink.objects.filter(pk=link.pk, claim_token=link.claim_token)
