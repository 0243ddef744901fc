"""Views that do one thing each: what the wire makes of it is under test."""

from datetime import date
from typing import Any

from django.db import DataError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import serializers, status, viewsets
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts.models import User
from config import urls as real
from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from core.api.serializers import (
    CleanCharField,
    CleanEmailField,
    DayField,
    StrictSerializer,
)
from core.errors import Conflict, VersionConflict
from core.models import Event, Location
from tests.factories import make_location

handler400, handler403 = real.handler400, real.handler403
handler404, handler500 = real.handler404, real.handler500


class BranchInput(StrictSerializer):
    """A name and a day are all that it takes here."""

    name = CleanCharField(max_length=100)
    date = DayField()
    email = CleanEmailField(required=False)
    data = serializers.JSONField(required=False)  # type: ignore[assignment]  # a field


class BranchOutput(serializers.ModelSerializer):
    """A branch; its city holds the day."""

    class Meta:
        model = Location
        fields = ("code", "name", "city")


def signed_in(actor: Actor) -> APIClient:
    """Return a client of that actor, without a token."""
    client = APIClient(raise_request_exception=False)
    user = User(pk=actor.user_id)
    client.force_authenticate(user, actor)  # type: ignore[arg-type]  # our token
    return client


class Branches(ListModelMixin, viewsets.GenericViewSet):
    """Branches, by city."""

    permission_classes = (AllowAny,)
    serializer_class = BranchOutput
    ordering = ("-city", "name", "id")
    queryset = Location.objects.all()

    @idempotent()
    def create(self, request) -> Response:
        form = BranchInput(data=request.data)
        form.is_valid(raise_exception=True)
        name = form.validated_data["name"]
        branch = make_location(
            open_hours=None, name=name, city=str(form.validated_data["date"])
        )
        if name == "sleepy":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")
        if name == "busy":
            Location.objects.select_for_update(nowait=True).get(code="locked")
        if name == "taken":
            raise Conflict("That is taken.", alternatives=[date(2027, 1, 2)])
        if name == "dies":
            raise SystemExit
        response = Response(BranchOutput(branch).data, status.HTTP_201_CREATED)
        return with_etag(response, 1)


class Form(APIView):
    """Shows what the form made of the body."""

    permission_classes = (AllowAny,)

    def post(self, request) -> Response:
        form = BranchInput(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(form.validated_data)


class Versioned(RetrieveWithETag, viewsets.GenericViewSet):
    """One branch stands in for a thing with a version."""

    permission_classes = (AllowAny,)
    serializer_class = BranchOutput

    def get_object(self) -> Any:
        branch: Any = Location(code="phx", name="Phoenix", city="2027-05-01")
        branch.version = 3
        return branch

    def partial_update(self, request) -> Response:
        expected = if_match(request, required=True)
        branch = self.get_object()
        if expected not in {None, branch.version}:
            raise VersionConflict("Changed.", current=branch)
        return with_etag(Response(status=204), 4)


class Broken(APIView):
    """Fails in the way that it is asked to."""

    permission_classes = (AllowAny,)

    def get(self, request, how: str) -> Response:
        match how:
            case "bug":
                raise ZeroDivisionError
            case "away":
                raise OperationalError("connection refused at 10.0.0.7")
            case "data":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT %s::date", ["10000000-01-01"])
            case "number":
                raise DataError("out of range")
            case _:
                pass
        return Response({"who": actor_of(request).label})


class PublicForm(APIView):
    """A form with a limit of its own."""

    permission_classes = (AllowAny,)
    rate_limit_scope = "public_form"

    def get(self, request) -> Response:
        return Response({"events": Event.objects.count()})


def plain_broken(request: HttpRequest, how: str) -> HttpResponse:
    if how == "bug":
        raise ZeroDivisionError
    raise OperationalError("server closed the connection")


urlpatterns = [
    path("api/v1/branches", Branches.as_view({"get": "list", "post": "create"})),
    path("api/v1/form", Form.as_view()),
    path(
        "api/v1/thing",
        Versioned.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("api/v1/broken/<str:how>", Broken.as_view()),
    path("api/v1/public", PublicForm.as_view()),
    path("plain/<str:how>", plain_broken),
    path("admin/broken/<str:how>", plain_broken),
    path("", include("config.urls")),
]
