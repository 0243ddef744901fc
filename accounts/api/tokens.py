"""Tokens as they travel: signed JWTs that attest a grant."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.services import Grant, TokenRefused

# Ours are half of it. A forged header of this size cannot nest JSON too deep to read.
_LONGEST = 768
_REMEMBERED_TOKENS = 4096

AnyToken = TypeVar("AnyToken", bound=Token)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says of its bearer."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    token_version: int


def token_pair(grant: Grant, *, now: datetime) -> dict[str, str | int]:
    """Return the answer to those who sign in or refresh."""
    access = AccessToken()
    access.set_iat(at_time=now)
    access.set_exp(from_time=now)
    access["sub"] = str(grant.user_id)
    access["sid"] = str(grant.session_id)
    access["tv"] = grant.token_version

    refresh = RefreshToken()
    refresh.set_iat(at_time=now)
    refresh.set_exp(from_time=now, lifetime=grant.refresh_expires_at - now)
    refresh["jti"] = grant.jti
    return {
        "access": str(access),
        "refresh": str(refresh),
        "token_type": "Bearer",
        "expires_in": int(AccessToken.lifetime.total_seconds()),
    }


def read_access(text: str) -> AccessClaims:
    """Return the claims of an access token that is ours and fresh.

    Raises:
        TokenRefused: it is not.
    """
    claims, expires_at = _attested(text)
    if expires_at <= time.time():
        return _attested.__wrapped__(text)[0]  # says how it is refused
    return claims


@lru_cache(_REMEMBERED_TOKENS)
def _attested(text: str) -> tuple[AccessClaims, float]:
    """Return what a token says, and until when; a verified one is remembered.

    Its signature does not change, only its time runs out. Whether the session goes
    on is not the token's to say: the database is asked with each request.
    """
    token = _read(AccessToken, text)
    try:
        claims = AccessClaims(
            user_id=uuid.UUID(token["sub"]),
            session_id=uuid.UUID(token["sid"]),
            token_version=int(token["tv"]),
        )
        return claims, float(token["exp"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TokenRefused("The token lacks a claim.") from error


def read_refresh(text: str) -> str:
    """Return the id (`jti`) of a refresh token that is ours and fresh.

    Raises:
        TokenRefused: it is not.
    """
    return str(_read(RefreshToken, text)["jti"])


def _read(kind: type[AnyToken], text: str) -> AnyToken:
    """Check signature, algorithm, issuer, expiry and use (`token_use`)."""
    if len(text) > _LONGEST:
        raise TokenRefused("The token is too long to be ours.")
    try:
        return kind(text)  # type: ignore[arg-type]  # simplejwt names the wrong type
    except TokenError as error:
        raise TokenRefused(str(error)) from error
