"""Questions about users: who calls, and how far their sight reaches."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, QuerySet

from accounts.models import Membership, User
from core.actors import Actor, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user behind an access token, and the actor they are in this request."""

    user: User
    actor: Actor


_NAMES = [field.attname for field in User._meta.concrete_fields]
_COLUMNS = ", ".join(f"u.{field.column}" for field in User._meta.concrete_fields)
# Spelt out, since each request asks it: to have it put together each time costs several
# times what PostgreSQL needs to answer. Who technicians are is none of our business,
# only that one is a user.
_CALLER = f"""
    SELECT {_COLUMNS}, t.id, ARRAY(
        SELECT location_id FROM accounts_membership WHERE user_id = u.id
    )
    FROM accounts_user u
    LEFT JOIN technicians_technician t ON t.user_id = u.id
    WHERE u.id = %s AND u.is_active AND u.token_version = %s AND EXISTS (
        SELECT FROM accounts_refreshfamily f
        WHERE f.id = %s AND f.user_id = u.id
            AND f.revoked_at IS NULL AND f.expires_at > %s
    )
"""  # noqa: S608  # columns of ours


def users_with_branches() -> QuerySet[User]:
    """Return all users with the branches they belong to."""
    return User.objects.prefetch_related("locations")


def caller_of_session(
    *, user_id: uuid.UUID, session_id: uuid.UUID, token_version: int, now: datetime
) -> Caller | None:
    """Return the caller if the user is active and the session lives; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_CALLER, [user_id, token_version, session_id, now])
        row = cursor.fetchone()
    if row is None:
        return None
    *values, technician_id, branch_ids = row
    user = User.from_db(connection.alias, _NAMES, values)
    user.technician_pk = technician_id  # type: ignore[attr-defined]  # /auth/me shows it
    actor = _actor(user, branch_ids=branch_ids, technician_id=technician_id)
    return Caller(user=user, actor=actor)


def actor_of_user(user: User) -> Actor:
    """Return the actor that a user is elsewhere than in the API."""
    branches = Membership.objects.filter(user=OuterRef("pk")).values("location_id")
    technician_id, branch_ids = (
        User.objects.filter(pk=user.pk)
        .values_list("technician__id", ArraySubquery(branches))
        .get()
    )
    return _actor(user, branch_ids=branch_ids, technician_id=technician_id)


def _actor(
    user: User, *, branch_ids: Sequence[uuid.UUID], technician_id: uuid.UUID | None
) -> Actor:
    role = Role(user.role)
    reach: frozenset[uuid.UUID] | None = frozenset(branch_ids)
    if role is Role.ADMIN:
        reach = None
    elif role is Role.TECHNICIAN and technician_id is None:
        # Linked to nobody, they have no work of their own to see, nor others'.
        reach = frozenset()
    return Actor(
        role=role,
        label=user.name,
        user_id=user.pk,
        location_ids=reach,
        technician_id=technician_id if role is Role.TECHNICIAN else None,
    )
