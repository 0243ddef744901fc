"""Shifts, exceptions and time-off of a technician over HTTP."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.actors import actor_of
from core.api.etags import if_match, with_etag
from core.api.idempotency import idempotent
from core.api.roster import RehearsalOutput, RosterChange, Wanted, or_rehearsal
from core.roster import OnConflict
from technicians import services
from technicians.api import serializers as forms
from technicians.api.filters import ShiftExceptionFilter, TimeOffFilter
from technicians.api.references import check_locations
from technicians.api.serializers import (
    ShiftExceptionOutput,
    TimeOffOutput,
    WeeklyShiftsOutput,
)
from technicians.models import ShiftException, Technician, TimeOff, WeeklyShift
from technicians.services import ShiftExceptionForm, WeeklyShiftForm


class _CalendarViewSet(viewsets.GenericViewSet):
    """Something of the technician whom the path names."""

    def technician(self) -> Technician:
        visible = Technician.objects.visible_to(actor_of(self.request))
        return get_object_or_404(visible, pk=self.kwargs["pk"])


class WeeklyShiftsViewSet(_CalendarViewSet):
    """The shifts that return each week. Their ETag is the technician's."""

    resource = "shifts"
    queryset = WeeklyShift.objects.none()  # tells the API's description the model
    serializer_class = WeeklyShiftsOutput
    pagination_class = None
    filterset_class = None

    @extend_schema(responses=WeeklyShiftsOutput)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Show a technician's weekly shifts."""
        return self._answer(self.technician())

    @extend_schema(
        request=forms.WeeklyShiftsInput, responses=or_rehearsal(WeeklyShiftsOutput)
    )
    @idempotent()
    def update(self, request: Request, pk: UUID) -> Response:
        """Let these be a technician's weekly shifts, and no others.

        Visits booked outside of them stand in the way (R13).
        """
        form = forms.WeeklyShiftsInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data["shifts"]
        actor, version = actor_of(request), if_match(request)
        check_locations(
            [row["location"] for row in given], actor=actor, pointer="shifts"
        )
        shifts = [
            WeeklyShiftForm(location_id=row.pop("location"), **row) for row in given
        ]

        def change(on_conflict: OnConflict) -> Response:
            technician = services.set_weekly_shifts(
                technician_id=pk,
                shifts=shifts,
                actor=actor,
                now=timezone.now(),
                expected_version=version,
                on_conflict=on_conflict,
            )
            return self._answer(technician)

        return Wanted.taken_out_of(form.validated_data).answer(change)

    def _answer(self, technician: Technician) -> Response:
        return with_etag(
            Response(WeeklyShiftsOutput(technician).data), technician.version
        )


class ShiftExceptionViewSet(mixins.ListModelMixin, _CalendarViewSet):
    """Days on which other hours hold than the weekly ones, or none."""

    resource = "shift_exceptions"
    queryset = ShiftException.objects.none()  # tells the API's description the model
    serializer_class = ShiftExceptionOutput
    filterset_class = ShiftExceptionFilter
    ordering: ClassVar[tuple[str, ...]] = ("date", "id")

    def get_queryset(self) -> QuerySet[ShiftException]:
        return self.technician().shift_exceptions.all()

    @extend_schema(
        request=forms.ShiftExceptionInput,
        responses={200: RehearsalOutput, 201: ShiftExceptionOutput},
    )
    @idempotent()
    def create(self, request: Request, pk: UUID) -> Response:
        """Let other hours hold on one day, or none.

        Visits booked outside of them stand in the way (R13).
        """
        form = forms.ShiftExceptionInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        wanted = Wanted.taken_out_of(given)
        actor = actor_of(request)
        if "location" in given:
            given["location_id"] = given.pop("location")
            check_locations([given["location_id"]], actor=actor)

        def change(on_conflict: OnConflict) -> Response:
            exception = services.add_shift_exception(
                technician_id=pk,
                form=ShiftExceptionForm(**given),
                actor=actor,
                now=timezone.now(),
                on_conflict=on_conflict,
            )
            output = ShiftExceptionOutput(exception).data
            return Response(output, status.HTTP_201_CREATED)

        return wanted.answer(change)

    @extend_schema(
        parameters=[RosterChange], responses={200: RehearsalOutput, 204: None}
    )
    @idempotent()
    def destroy(self, request: Request, pk: UUID, exception_id: UUID) -> Response:
        """Let the weekly shifts hold on that day again.

        Visits booked outside of these stand in the way (R13).
        """

        def change(on_conflict: OnConflict) -> Response:
            services.remove_shift_exception(
                technician_id=pk,
                exception_id=exception_id,
                actor=actor_of(request),
                now=timezone.now(),
                on_conflict=on_conflict,
            )
            return Response(status=status.HTTP_204_NO_CONTENT)

        return Wanted.asked_in(request).answer(change)


class TimeOffViewSet(mixins.ListModelMixin, _CalendarViewSet):
    """When a technician is away. It beats every shift."""

    resource = "time_off"
    queryset = TimeOff.objects.none()  # tells the API's description the model
    serializer_class = TimeOffOutput
    filterset_class = TimeOffFilter
    ordering: ClassVar[tuple[str, ...]] = ("starts_at", "id")

    def get_queryset(self) -> QuerySet[TimeOff]:
        absences = self.technician().time_offs
        return absences.select_related("technician__location")

    @extend_schema(
        request=forms.TimeOffInput,
        responses={200: RehearsalOutput, 201: TimeOffOutput},
    )
    @idempotent()
    def create(self, request: Request, pk: UUID) -> Response:
        """Let a technician be away. Visits booked in it stand in the way (R13)."""
        form = forms.TimeOffInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data

        def change(on_conflict: OnConflict) -> Response:
            absence = services.add_time_off(
                technician_id=pk,
                **given,
                actor=actor_of(request),
                now=timezone.now(),
                on_conflict=on_conflict,
            )
            return Response(TimeOffOutput(absence).data, status.HTTP_201_CREATED)

        return Wanted.taken_out_of(given).answer(change)

    @extend_schema(responses={204: None})
    @idempotent()
    def destroy(self, request: Request, pk: UUID, time_off_id: UUID) -> Response:
        """Let a technician be there after all."""
        services.remove_time_off(
            technician_id=pk,
            time_off_id=time_off_id,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
