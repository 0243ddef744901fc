"""Holds, by the token that was given out for them."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db.models import QuerySet

from appointments.models import Hold

# Whoever comes back too late is told so for as long as this.
KEPT_FOR = timedelta(days=7)


def hash_of(token: str) -> str:
    """Return what is stored of a token: it is random, so nobody guesses it back."""
    return sha256(token.encode()).hexdigest()


def holds_of_token(token: str) -> QuerySet[Hold]:
    """Return the hold of that token, over or not; or nothing."""
    holds = Hold.objects.filter(token_hash=hash_of(token))
    return holds.select_related("service", "location")


def hold_of_id(hold_id: UUID) -> QuerySet[Hold]:
    """Return the hold of that id, over or not; or nothing."""
    return Hold.objects.filter(pk=hold_id).select_related("service", "location")


def own_holds(token: str) -> list[UUID]:
    """Return what must not stand in the way of whoever has that token (R11)."""
    if not token:
        return []
    return list(holds_of_token(token).values_list("pk", flat=True))


def holds_gone_by(now: datetime) -> QuerySet[Hold]:
    """Return the holds that nobody asks for any more."""
    return Hold.objects.filter(expires_at__lt=now - KEPT_FOR)
