"""The branches, as a visitor or a member of staff sees them."""

from typing import ClassVar

from django.db.models import Prefetch, QuerySet
from rest_framework import mixins, serializers, viewsets

from core.actors import Role
from core.api.actors import actor_of
from core.models import Location, OpeningHours


class OpeningHoursOutput(serializers.ModelSerializer):
    """When a branch lets visits begin on a weekday (0 is Monday)."""

    class Meta:
        model = OpeningHours
        fields = ("weekday", "opens", "closes")


class LocationOutput(serializers.ModelSerializer):
    """A branch."""

    time_zone = serializers.CharField(source="time_zone.key")
    opening_hours = OpeningHoursOutput(many=True)

    class Meta:
        model = Location
        fields = (
            "id",
            "code",
            "name",
            "time_zone",
            "phone",
            "line1",
            "city",
            "region",
            "postal_code",
            "opening_hours",
        )


class LocationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Branches of the company: those that are open for visitors, and one's own."""

    resource = "locations"
    serializer_class = LocationOutput
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("name", "id")

    def get_queryset(self) -> QuerySet[Location]:
        actor = actor_of(self.request)
        hours = OpeningHours.objects.order_by("weekday")
        found = Location.objects.prefetch_related(Prefetch("opening_hours", hours))
        if actor.role is Role.ANONYMOUS:
            return found.filter(is_active=True)
        return found.visible_to(actor)
