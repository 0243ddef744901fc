"""What lost, or could not be: kept until a person has looked at it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from integrations.models import ExternalLink, InboundEvent, SyncConflict
from integrations.rules.merging import Clash

HOUSE = "sync"
_AGREED = "Both sides agree now."
_REPLACED = "A newer one took its place."


def note_conflict(
    *,
    link: ExternalLink,
    clash: Clash,
    now: datetime,
    why: str = "",
    inbound: InboundEvent | None = None,
) -> SyncConflict:
    """Write down what lost or, with the reason `why`, what could not be.

    The same once more is the same conflict. Needs a transaction that holds the
    link's row.
    """
    kinds = SyncConflict.Kind
    kind = kinds.NOT_POSSIBLE if why else kinds.BOTH_CHANGED
    known = _open(link).filter(field=clash.field).first()
    if known is not None:
        if (known.kind, known.ours, known.theirs) == (kind, clash.ours, clash.theirs):
            return known
        _close([known.pk], because=_REPLACED, now=now)
    return SyncConflict.objects.create(
        connection_id=link.connection_id,
        kind=kind,
        object_type=link.object_type,
        object_id=link.object_id,
        field=clash.field,
        agreed=clash.agreed,
        ours=clash.ours,
        theirs=clash.theirs,
        kept="" if why else clash.kept,
        why=why[:500],
        inbound=inbound,
    )


def close_agreed(*, link: ExternalLink, fields: Collection[str], now: datetime) -> None:
    """Close what needed attention in fields that both sides now say alike."""
    needing = _open(link).filter(kind=SyncConflict.Kind.NOT_POSSIBLE, field__in=fields)
    _close(list(needing.values_list("pk", flat=True)), because=_AGREED, now=now)


def unsolved(link: ExternalLink) -> dict[str, Any]:
    """Return what they want and we cannot do, by field: it is no news any more."""
    rows = _open(link).filter(kind=SyncConflict.Kind.NOT_POSSIBLE)
    return dict(rows.values_list("field", "theirs"))


def _open(link: ExternalLink) -> QuerySet[SyncConflict]:
    return SyncConflict.objects.filter(
        connection=link.connection_id,
        object_type=link.object_type,
        object_id=link.object_id,
        resolved_at=None,
    )


def _close(ids: list[int], *, because: str, now: datetime) -> None:
    SyncConflict.objects.filter(pk__in=ids).update(
        resolved_at=now, resolved_by=HOUSE, resolution=because
    )
