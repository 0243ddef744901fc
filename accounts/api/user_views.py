"""Users, for admins."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.serializers import (
    PasswordInput,
    UserChanges,
    UserInput,
    UserOutput,
)
from accounts.models import ROLE_CHOICES, User
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent


class UserFilter(filters.FilterSet):
    """Narrow the list of users."""

    role = filters.ChoiceFilter(choices=ROLE_CHOICES)
    is_active = filters.BooleanFilter()
    location = filters.UUIDFilter(field_name="locations")


class UserViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Those who sign in: people and machine clients."""

    resource = "users"
    serializer_class = UserOutput
    filterset_class = UserFilter
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("name", "id")

    def get_queryset(self) -> QuerySet[User]:
        return selectors.users_with_branches()

    @extend_schema(request=UserInput, responses={201: UserOutput})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Open an account."""
        form = UserInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.create_user(
            **form.validated_data, by=actor_of(request), now=timezone.now()
        )
        return _shown(user, status=status.HTTP_201_CREATED)

    @extend_schema(request=UserChanges, responses={200: UserOutput})
    @idempotent()
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change name, role or branches; another role or branch ends all sessions."""
        form = UserChanges(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.update_user(
            user_id=pk,
            **form.validated_data,
            version=if_match(request),
            by=actor_of(request),
            now=timezone.now(),
        )
        return _shown(user)

    @extend_schema(request=None, responses={200: UserOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def deactivate(self, request: Request, pk: UUID) -> Response:
        """Close an account: its sessions end at once."""
        user = services.deactivate(
            user_id=pk,
            version=if_match(request),
            by=actor_of(request),
            now=timezone.now(),
        )
        return _shown(user)

    @extend_schema(request=None, responses={200: UserOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def reactivate(self, request: Request, pk: UUID) -> Response:
        """Open a closed account again."""
        user = services.reactivate(
            user_id=pk,
            version=if_match(request),
            by=actor_of(request),
            now=timezone.now(),
        )
        return _shown(user)

    @extend_schema(request=PasswordInput, responses={200: UserOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def password(self, request: Request, pk: UUID) -> Response:
        """Give somebody a new password; their sessions end at once."""
        form = PasswordInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.change_password(
            user_id=pk,
            **form.validated_data,
            by=actor_of(request),
            now=timezone.now(),
        )
        return _shown(user)


def _shown(user: User, **kwargs: Any) -> Response:
    return with_etag(Response(UserOutput(user).data, **kwargs), user.version)
