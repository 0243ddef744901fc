"""Who reads a feed next, and how far it was read: one reader at a time."""

import uuid
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from integrations.models import Connection, PollCursor

# Longer than a task may take.
LEASE = timedelta(seconds=60)


def take_turn(
    *, connection: Connection, feed: str, every: timedelta
) -> PollCursor | None:
    """Lease a feed that is due; None where it is not, or somebody else reads it."""
    PollCursor.objects.bulk_create(
        [PollCursor(connection=connection, feed=feed)], ignore_conflicts=True
    )
    rows = PollCursor.objects.filter(connection=connection, feed=feed)
    token = uuid.uuid4()
    is_due = Q(polled_at=None) | Q(polled_at__lte=Now() - every)
    is_free = Q(lease_until=None) | Q(lease_until__lt=Now())
    if not rows.filter(is_due, is_free).update(
        lease_token=token, lease_until=Now() + LEASE
    ):
        return None
    return rows.get()


def move_on(cursor: PollCursor, *, to: str, found: int) -> bool:
    """Note how far the feed was read; False where the turn is another's by now."""
    moved = _held(cursor).update(
        cursor=to, found=F("found") + found, lease_until=Now() + LEASE
    )
    return bool(moved)


def end_turn(cursor: PollCursor, *, is_done: bool) -> None:
    """Let the feed go; one that was not read to its end is due again at once."""
    done = {"polled_at": Now()} if is_done else {}
    _held(cursor).update(lease_token=None, lease_until=None, **done)


def _held(cursor: PollCursor) -> QuerySet[PollCursor]:
    return PollCursor.objects.filter(pk=cursor.pk, lease_token=cursor.lease_token)
