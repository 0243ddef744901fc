"""Caps: at most so many visits a day."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from appointments import services
from appointments.models import Cap, Service
from core.actors import Actor
from core.api.actors import actor_of
from core.api.idempotency import idempotent
from core.api.serializers import StrictSerializer
from core.models import Location, Zone
from core.models.company import Weekday

_MOST = 10_000  # more than any branch has on a day


class CapInput(StrictSerializer):
    """At most `most` visits a local day. What is left out means: of all."""

    location = serializers.UUIDField()
    service = serializers.SlugField(
        required=False, allow_null=True, max_length=40, help_text="Code of the service."
    )
    zone = serializers.UUIDField(required=False, allow_null=True)
    weekday = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=Weekday.MONDAY,
        max_value=Weekday.SUNDAY,
        help_text="0 is Monday.",
    )
    most = serializers.IntegerField(min_value=0, max_value=_MOST)


class CapChanges(StrictSerializer):
    """Another number; 0 stops bookings."""

    most = serializers.IntegerField(min_value=0, max_value=_MOST)


class _NamedOutput(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class _ServiceOutput(serializers.Serializer):
    code = serializers.SlugField()
    name = serializers.CharField()


class CapOutput(serializers.ModelSerializer[Cap]):
    """At most `most` visits a local day; null means: of all."""

    location = _NamedOutput()
    service = _ServiceOutput(allow_null=True)
    zone = _NamedOutput(allow_null=True)
    weekday = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Cap
        fields = ("id", "location", "service", "zone", "weekday", "most")


class CapViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """How many visits the branches take a day."""

    resource = "caps"
    serializer_class = CapOutput
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    def get_queryset(self) -> QuerySet[Cap]:
        caps = Cap.objects.visible_to(actor_of(self.request))
        return caps.select_related("location", "service", "zone")

    @extend_schema(request=CapInput, responses={201: CapOutput})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Cap the visits of a branch; those that are booked stay, and count."""
        form = CapInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        cap = services.create_cap(
            **_looked_up(form.validated_data, actor=actor),
            actor=actor,
            now=timezone.now(),
        )
        return Response(CapOutput(cap).data, status.HTTP_201_CREATED)

    @extend_schema(request=CapChanges, responses=CapOutput)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Let the cap be another number."""
        form = CapChanges(data=request.data)
        form.is_valid(raise_exception=True)
        cap = services.change_cap(
            cap_id=pk,
            most=form.validated_data["most"],
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(CapOutput(cap).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Take the cap away."""
        services.delete_cap(cap_id=pk, actor=actor_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _looked_up(form: dict[str, Any], *, actor: Actor) -> dict[str, Any]:
    """Turn the ids of a checked form into what they stand for, within sight."""
    location = Location.objects.visible_to(actor).filter(pk=form["location"]).first()
    if location is None:
        raise ValidationError({"location": ["There is no such location."]})
    fields = {"location": location, "most": form["most"]}
    if form.get("service") is not None:
        fields["service"] = Service.objects.filter(code=form["service"]).first()
    if form.get("zone") is not None:
        fields["zone"] = Zone.objects.filter(pk=form["zone"]).first()
    for name, found in fields.items():
        if found is None:
            raise ValidationError({name: [f"There is no such {name}."]})
    return fields | {"weekday": form.get("weekday")}
