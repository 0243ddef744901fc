"""Lock users in the one order that cannot deadlock: admins first, then the one."""

import uuid

from accounts.models import User
from core.actors import Role
from core.errors import NotFound, VersionConflict


def locked_user(user_id: uuid.UUID, *, version: int | None = None) -> User:
    """Return the user, locked until the caller's transaction ends.

    Raises:
        NotFound: there is none.
        VersionConflict: somebody changed them since `version` was read.
    """
    found = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if found is None:
        raise NotFound
    if version is not None and found.version != version:
        raise VersionConflict(current=found)
    return found


def lock_admins() -> set[uuid.UUID]:
    """Lock all active admins and return their ids, so that the last one can be kept."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")
    return {user.pk for user in admins.select_for_update(no_key=True)}
