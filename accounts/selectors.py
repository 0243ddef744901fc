"""Questions about users: who calls, and how far their sight reaches."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.models import Membership, RefreshFamily, User
from core.actors import Actor, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user behind an access token, and the actor they are in this request."""

    user: User
    actor: Actor


def users_with_branches() -> QuerySet[User]:
    """Return all users with the branches they belong to."""
    return User.objects.prefetch_related("locations")


def caller_of_session(
    *, user_id: uuid.UUID, session_id: uuid.UUID, token_version: int, now: datetime
) -> Caller | None:
    """Return the caller if the user is active and the session lives; one query."""
    alive = RefreshFamily.objects.filter(
        pk=session_id, user=OuterRef("pk"), revoked_at=None, expires_at__gt=now
    )
    user = (
        _users_with_reach()
        .filter(Exists(alive), pk=user_id, is_active=True, token_version=token_version)
        .first()
    )
    return Caller(user=user, actor=_actor(user)) if user else None


def actor_of_user(user: User) -> Actor:
    """Return the actor that a user is elsewhere than in the API."""
    return _actor(_users_with_reach().get(pk=user.pk))


def _users_with_reach() -> QuerySet[User]:
    branches = Membership.objects.filter(user=OuterRef("pk")).values("location_id")
    # By name: who technicians are is none of our business, only that one is a user.
    return User.objects.annotate(
        branch_ids=ArraySubquery(branches), technician_pk=F("technician__id")
    )


def _actor(user: User) -> Actor:
    role = Role(user.role)
    reach: frozenset[uuid.UUID] | None = frozenset(user.branch_ids)  # type: ignore[attr-defined]  # annotated
    technician_id = None
    if role is Role.ADMIN:
        reach = None
    elif role is Role.TECHNICIAN:
        technician_id = user.technician_pk  # type: ignore[attr-defined]  # annotated
        # Linked to nobody, they have no work of their own to see, nor others'.
        reach = reach if technician_id else frozenset()
    return Actor(
        role=role,
        label=user.name,
        user_id=user.pk,
        location_ids=reach,
        technician_id=technician_id,
    )
