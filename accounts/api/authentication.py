"""Who calls: the bearer of an access token."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import selectors
from accounts.api.tokens import read_access
from accounts.models import User
from accounts.services import TokenRefused
from core.actors import Actor


class BearerToken(BaseAuthentication):
    """Take `Authorization: Bearer TOKEN`; `request.auth` becomes the Actor.

    The user and their session are read anew each time, so whoever was deactivated,
    or given another password, role or branch, is out with their next request.
    """

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None  # perhaps a proxy's own; to us, a visitor
        try:
            claims = read_access(token.strip())
        except TokenRefused as refusal:
            raise AuthenticationFailed(str(refusal), refusal.code) from refusal
        caller = selectors.caller_of_session(
            user_id=claims.user_id,
            session_id=claims.session_id,
            token_version=claims.token_version,
            now=timezone.now(),
        )
        if caller is None:
            raise AuthenticationFailed("The session is over.", TokenRefused.code)
        return caller.user, caller.actor

    def authenticate_header(self, request: Request) -> str:
        # RFC 6750: who showed nothing is told no error.
        if request.headers.get("Authorization"):
            return 'Bearer realm="api", error="invalid_token"'
        return 'Bearer realm="api"'
