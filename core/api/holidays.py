"""Days on which branches, or the whole company, are closed."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core import services
from core.api.actors import actor_of
from core.api.fields import CleanCharField, DayField
from core.api.idempotency import idempotent
from core.api.roster import RehearsalOutput, RosterChange, Wanted
from core.models import Holiday, Location
from core.roster import OnConflict
from core.services import HolidayForm


class HolidayInput(RosterChange):
    """A day on which nobody is booked; `location` null: in the whole company."""

    date = DayField()
    name = CleanCharField(max_length=100)
    location = serializers.UUIDField(allow_null=True)


class HolidayOutput(serializers.ModelSerializer[Holiday]):
    """A day on which nobody is booked."""

    class Meta:
        model = Holiday
        fields = ("id", "date", "name", "location")
        read_only_fields = fields


class HolidayFilter(filters.FilterSet):
    """Narrow to a branch, whose own days these are, and to some days."""

    location = filters.UUIDFilter()
    date_from = filters.DateFilter("date", lookup_expr="gte")
    date_to = filters.DateFilter("date", lookup_expr="lte")


class HolidayViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Holidays of one's branches, and those of the whole company."""

    resource = "holidays"
    serializer_class = HolidayOutput
    filterset_class = HolidayFilter
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("date", "id")

    def get_queryset(self) -> QuerySet[Holiday]:
        return Holiday.objects.visible_to(actor_of(self.request))

    @extend_schema(
        request=HolidayInput, responses={200: RehearsalOutput, 201: HolidayOutput}
    )
    @idempotent()
    def create(self, request: Request) -> Response:
        """Close a branch for a day, or the whole company, which is its admins' to do.

        Visits booked on it stand in the way (R13).
        """
        form = HolidayInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        wanted = Wanted.taken_out_of(given)
        actor = actor_of(request)
        location_id = given.pop("location")
        branches = Location.objects.visible_to(actor)
        if location_id and not branches.filter(pk=location_id).exists():
            raise ValidationError({"location": ["There is no such location."]})

        def change(on_conflict: OnConflict) -> Response:
            holiday = services.add_holiday(
                form=HolidayForm(location_id=location_id, **given),
                actor=actor,
                now=timezone.now(),
                on_conflict=on_conflict,
            )
            return Response(HolidayOutput(holiday).data, status.HTTP_201_CREATED)

        return wanted.answer(change)

    @extend_schema(responses={204: None})
    @idempotent()
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Open on that day after all."""
        services.remove_holiday(
            holiday_id=pk, actor=actor_of(request), now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
