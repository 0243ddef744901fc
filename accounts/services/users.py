"""Create users, change what they may do, and close their accounts.

Whoever loses or gains a role, a branch or the account itself signs in again: the
`token_version` grows, and with it ends every session and token they had.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Membership, User
from accounts.services.locking import lock_admins, locked_user
from accounts.services.passwords import require_strong
from core.actors import Actor, Role
from core.db import on_breach
from core.errors import Conflict, Invalid
from core.events import emit
from core.models import Location
from core.text import normalise_email


class EmailTaken(Conflict):
    """Another user signs in with that e-mail."""

    code = "email_taken"
    title = "The e-mail is taken"


class LastAdmin(Conflict):
    """Without them, nobody could manage users."""

    code = "last_admin"
    title = "The last admin stays"


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    role: Role,
    password: str,
    location_ids: Collection[uuid.UUID] = (),
    by: Actor,
    now: datetime,
) -> User:
    """Open an account.

    Emits:
        user.created
    Raises:
        EmailTaken: another user has it.
        Invalid: the password is too weak, or a branch does not exist.
    """
    draft = User(email=normalise_email(email), name=name, role=role)
    require_strong(password, user=draft)
    _require_branches(location_ids)
    taken = EmailTaken(f"{draft.email} belongs to another user.")
    with (
        on_breach("accounts_user_email_key", taken),
        on_breach("user_email_is_unique", taken),
    ):
        user = User.objects.create_user(email, password, name=name, role=role)
    _put_into(user, location_ids)
    _tell("user.created", user, by=by, now=now, role=role, locations=location_ids)
    return user


@transaction.atomic
def update_user(
    *,
    user_id: uuid.UUID,
    name: str | None = None,
    role: Role | None = None,
    location_ids: Collection[uuid.UUID] | None = None,
    version: int | None = None,
    by: Actor,
    now: datetime,
) -> User:
    """Change what is given, if the user still is as `version` was.

    Emits:
        user.renamed, user.role_changed, user.locations_changed: as it applies.

    Raises:
        NotFound, VersionConflict, LastAdmin, Invalid
    """
    lock_admins()
    user = locked_user(user_id, version=version)
    if name is not None and name != user.name:
        _tell("user.renamed", user, by=by, now=now, old=user.name, new=name)
        user.name = name
        _save(user, "name")
    if role is not None:
        user = change_role(user_id=user_id, role=role, by=by, now=now)
    if location_ids is not None:
        user = set_memberships(
            user_id=user_id, location_ids=location_ids, by=by, now=now
        )
    return user


@transaction.atomic
def change_role(*, user_id: uuid.UUID, role: Role, by: Actor, now: datetime) -> User:
    """Give a user another role and end their sessions; the same role changes nothing.

    Emits:
        user.role_changed
    Raises:
        NotFound, LastAdmin
    """
    admins = lock_admins()
    user = locked_user(user_id)
    if user.role == role:
        return user
    _keep_an_admin(user, admins)
    _tell("user.role_changed", user, by=by, now=now, old=user.role, new=role)
    user.role = role
    _save(user, "role", ends_access=True)
    return user


@transaction.atomic
def set_memberships(
    *, user_id: uuid.UUID, location_ids: Collection[uuid.UUID], by: Actor, now: datetime
) -> User:
    """Say to which branches a user belongs and end their sessions if that is new.

    Emits:
        user.locations_changed
    Raises:
        NotFound
        Invalid: a branch does not exist.
    """
    user = locked_user(user_id)
    wanted = set(location_ids)
    present = set(user.memberships.values_list("location_id", flat=True))
    if wanted == present:
        return user
    _require_branches(wanted - present)
    user.memberships.filter(location_id__in=present - wanted).delete()
    _put_into(user, wanted - present)
    _tell("user.locations_changed", user, by=by, now=now, old=present, new=wanted)
    _save(user, ends_access=True)
    return user


@transaction.atomic
def deactivate(
    *, user_id: uuid.UUID, version: int | None = None, by: Actor, now: datetime
) -> User:
    """Close an account and end its sessions; closed already, nothing changes.

    Emits:
        user.deactivated
    Raises:
        NotFound, VersionConflict, LastAdmin
    """
    admins = lock_admins()
    user = locked_user(user_id, version=version)
    if not user.is_active:
        return user
    _keep_an_admin(user, admins)
    user.is_active = False
    _save(user, "is_active", ends_access=True)
    _tell("user.deactivated", user, by=by, now=now)
    return user


@transaction.atomic
def reactivate(
    *, user_id: uuid.UUID, version: int | None = None, by: Actor, now: datetime
) -> User:
    """Open a closed account again; they sign in anew.

    Emits:
        user.reactivated
    Raises:
        NotFound, VersionConflict
    """
    user = locked_user(user_id, version=version)
    if user.is_active:
        return user
    user.is_active = True
    _save(user, "is_active", ends_access=True)
    _tell("user.reactivated", user, by=by, now=now)
    return user


def _keep_an_admin(user: User, admins: set[uuid.UUID]) -> None:
    if admins == {user.pk}:
        raise LastAdmin(f"{user.name} is the only admin. Make another one first.")


def _require_branches(location_ids: Collection[uuid.UUID]) -> None:
    known = set(
        Location.objects.filter(pk__in=location_ids).values_list("pk", flat=True)
    )
    unknown = [branch for branch in location_ids if branch not in known]
    if unknown:
        raise Invalid(
            [
                {
                    "pointer": "/locations",
                    "code": "does_not_exist",
                    "detail": f"There is no branch {branch}.",
                }
                for branch in unknown
            ]
        )


def _put_into(user: User, location_ids: Collection[uuid.UUID]) -> None:
    Membership.objects.bulk_create(
        Membership(user=user, location_id=branch) for branch in set(location_ids)
    )


def _save(user: User, *fields: str, ends_access: bool = False) -> None:
    user.version += 1
    user.token_version += int(ends_access)
    user.save(update_fields=[*fields, "version", "token_version", "updated_at"])


def _tell(name: str, user: User, *, by: Actor, now: datetime, **data: Any) -> None:
    """Emit an event about the user, who is locked or new."""
    plain = {
        key: value
        if isinstance(value, str)
        else sorted(str(each) for each in set(value))
        for key, value in data.items()
    }
    emit(name, of=("user", user.pk), actor=by, now=now, data=plain)
