"""Sign in, stay signed in, sign out."""

from typing import Any

import structlog
from django.contrib.auth import authenticate
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.serializers import (
    LoginInput,
    MeOutput,
    OwnPasswordInput,
    RefreshInput,
    TokenOutput,
)
from accounts.api.tokens import read_refresh, token_pair
from accounts.models import User
from core.api.actors import actor_of
from core.errors import Unauthenticated

log = structlog.get_logger(__name__)


class WrongCredentials(Unauthenticated):
    """The e-mail or the password is wrong, or the account takes no sign-in now."""

    code = "invalid_credentials"
    title = "E-mail or password is wrong"


class SignIn(APIView):
    """Where sessions begin."""

    authentication_classes = ()  # a stale token must not keep anybody from a new one
    policy = "auth.token"

    @sensitive_variables()
    @extend_schema(
        operation_id="auth_token",
        request=LoginInput,
        responses={200: TokenOutput},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Sign in with e-mail and password."""
        form = LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = authenticate(
            request._request,  # Django's backends know nothing of DRF's
            username=form.validated_data["email"],
            password=form.validated_data["password"],
        )
        if not isinstance(user, User):
            log.info("sign_in_refused")
            raise WrongCredentials
        log.info("signed_in", user=str(user.pk))
        return _begin(request, user)


class Refresh(APIView):
    """Where sessions go on."""

    authentication_classes = ()
    policy = "auth.refresh"

    @extend_schema(
        operation_id="auth_refresh",
        request=RefreshInput,
        responses={200: TokenOutput},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Exchange the refresh token for a fresh pair.

        Each is good for one use. Used again within ten seconds it answers 409
        `refresh_in_progress`; used later, somebody has a copy: the session ends
        (401 `refresh_reused`).
        """
        jti = _refresh_id(request)
        now = timezone.now()
        grant = services.refresh_session(jti=jti, now=now)
        return Response(token_pair(grant, now=now))


class SignOut(APIView):
    """Where sessions end."""

    authentication_classes = ()
    policy = "auth.logout"

    @extend_schema(
        operation_id="auth_logout",
        request=RefreshInput,
        responses={204: None},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """End the session of a refresh token, its access token included."""
        services.end_session(jti=_refresh_id(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnPassword(APIView):
    """One's own password."""

    policy = "auth.password"

    @sensitive_variables()
    @extend_schema(
        operation_id="auth_password",
        request=OwnPasswordInput,
        responses={200: TokenOutput},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Change one's password; every session ends, and a new one begins here."""
        form = OwnPasswordInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.change_own_password(
            user=_signed_in(request),
            current=form.validated_data["current"],
            new=form.validated_data["password"],
            by=actor_of(request),
            now=timezone.now(),
        )
        return _begin(request, user)


class Me(APIView):
    """The caller."""

    policy = "auth.me"

    @extend_schema(operation_id="auth_me", responses={200: MeOutput}, tags=["auth"])
    def get(self, request: Request) -> Response:
        """Tell who the token's bearer is, and what they see."""
        shown: dict[str, Any] = MeOutput(_signed_in(request)).data
        return Response(shown)


def _begin(request: Request, user: User) -> Response:
    now = timezone.now()
    client = request.headers.get("User-Agent", "")
    grant = services.begin_session(user=user, client=client, now=now)
    return Response(token_pair(grant, now=now))


def _refresh_id(request: Request) -> str:
    form = RefreshInput(data=request.data)
    form.is_valid(raise_exception=True)
    return read_refresh(form.validated_data["refresh"])


def _signed_in(request: Request) -> User:
    if not isinstance(request.user, User):  # the policy let nobody else in
        raise Unauthenticated
    return request.user
