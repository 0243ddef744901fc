"""Begin a session, carry it on by its refresh token, end it."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from accounts.models import (
    AttemptCounter,
    RefreshFamily,
    RefreshToken,
    RevocationReason,
    User,
)
from accounts.services.locking import locked_user
from core.actors import ANONYMOUS
from core.errors import Conflict, Unauthenticated
from core.events import emit

log = structlog.get_logger(__name__)

# Two tabs may refresh at once; a thief comes later.
REUSE_GRACE = timedelta(seconds=10)
_KEEP_ENDED = timedelta(days=30)
_KEEP_ATTEMPTS = timedelta(days=1)


class TokenRefused(Unauthenticated):
    """The token is not ours, has expired, or its session is over."""

    code = "token_invalid"
    title = "The token is not valid"


class RefreshInProgress(Conflict):
    """The refresh token was used a moment ago, perhaps by another tab."""

    code = "refresh_in_progress"
    title = "Already refreshed"
    retry_after = 1


class RefreshReused(Unauthenticated):
    """The refresh token was used before: somebody has a copy. The session is over."""

    code = "refresh_reused"
    title = "The session has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a fresh pair of tokens attests. `jti` is kept nowhere but in the token."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    token_version: int
    jti: str
    refresh_expires_at: datetime


@transaction.atomic
def begin_session(*, user: User, client: str = "", now: datetime) -> Grant:
    """Open a session for a user whose password was just checked.

    It carries the `token_version` of that check: a change since then has ended it
    before it begins.
    """
    family = RefreshFamily.objects.create(
        user=user,
        token_version=user.token_version,
        client=client[:200],
        created_at=now,
        expires_at=now + settings.REFRESH_FAMILY_LIFETIME,
    )
    User.objects.filter(pk=user.pk).update(last_login=now)
    return _issue(family, now=now)


def refresh_session(*, jti: str, now: datetime) -> Grant:
    """Use up a refresh token and issue its successor.

    Emits:
        user.refresh_reused: somebody came with a token that was used before.

    Raises:
        TokenRefused: unknown, expired, or of a session that is over.
        RefreshInProgress: it was used a moment ago.
        RefreshReused: it was used earlier; the session is revoked.
    """
    with transaction.atomic():
        family_id = _consume(jti, now=now)
        if family_id is not None:
            return _carry_on(family_id, now=now)
        refusal = _why_not(jti, now=now)
    # Out here, so that the revocation is committed.
    raise refusal


def end_session(*, jti: str, now: datetime) -> None:
    """End the session that a refresh token belongs to; again changes nothing."""
    RefreshFamily.objects.filter(
        tokens__jti_hash=_hash_of(jti), revoked_at=None
    ).update(revoked_at=now, revoked_reason=RevocationReason.LOGOUT)


def prune(*, now: datetime) -> int:
    """Delete tokens, sessions and counters that nobody will ask for again."""
    ended, _ = RefreshFamily.objects.filter(expires_at__lt=now - _KEEP_ENDED).delete()
    spent, _ = RefreshToken.objects.filter(expires_at__lt=now).delete()
    old = AttemptCounter.objects.filter(started_at__lt=now - _KEEP_ATTEMPTS)
    return ended + spent + old.delete()[0]


def _issue(family: RefreshFamily, *, now: datetime) -> Grant:
    jti = secrets.token_hex(16)
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    expires_at = min(now + lifetime, family.expires_at)
    RefreshToken.objects.create(
        jti_hash=_hash_of(jti), family=family, issued_at=now, expires_at=expires_at
    )
    return Grant(
        user_id=family.user_id,
        session_id=family.pk,
        token_version=family.token_version,
        jti=jti,
        refresh_expires_at=expires_at,
    )


def _consume(jti: str, *, now: datetime) -> uuid.UUID | None:
    """Use the token up and return its session; None if there is nothing to use.

    One statement: of many that try at once, the first makes the others see it used.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_refreshtoken SET consumed_at = %(now)s"
            " WHERE jti_hash = %(jti_hash)s AND consumed_at IS NULL"
            " AND expires_at > %(now)s RETURNING family_id",
            {"now": now, "jti_hash": _hash_of(jti)},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _carry_on(family_id: uuid.UUID, *, now: datetime) -> Grant:
    families = RefreshFamily.objects.select_for_update(of=("self",))
    family = families.select_related("user").get(pk=family_id)
    user = family.user
    if (
        family.revoked_at is not None
        or family.expires_at <= now
        or not user.is_active
        or user.token_version != family.token_version
    ):
        raise TokenRefused("The session is over. Sign in again.")
    return _issue(family, now=now)


def _why_not(jti: str, *, now: datetime) -> Conflict | Unauthenticated:
    """Explain why a token could not be used; a reuse ends its session."""
    tokens = RefreshToken.objects.select_related("family")
    token = tokens.filter(jti_hash=_hash_of(jti)).first()
    if token is None or token.consumed_at is None:
        return TokenRefused("The refresh token is unknown or has expired.")
    if now - token.consumed_at <= REUSE_GRACE:
        return RefreshInProgress("Use the token that the other call received.")
    _revoke_reused(token.family, now=now)
    return RefreshReused("The refresh token was used before. Sign in again.")


def _revoke_reused(family: RefreshFamily, *, now: datetime) -> None:
    user = locked_user(family.user_id)  # the events of one user take turns
    ended = RefreshFamily.objects.filter(pk=family.pk, revoked_at=None).update(
        revoked_at=now, revoked_reason=RevocationReason.REUSE
    )
    if ended:
        log.warning("refresh_token_reused", user=str(user.pk), session=str(family.pk))
        data = {"session": str(family.pk)}
        of = ("user", user.pk)
        emit("user.refresh_reused", of=of, actor=ANONYMOUS, now=now, data=data)


def _hash_of(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
