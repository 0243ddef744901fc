"""Maintenance plans over HTTP."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters as filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from appointments.api import plans_forms as forms
from appointments.api.plans_forms import OccurrenceOutput, PlanOutput
from appointments.api.serializers import ReasonInput
from appointments.models import MaintenancePlan, PlanOccurrence, Service
from appointments.models.plans import (
    OCCURRENCE_STATES,
    PLAN_STATES,
    MaintenancePlanQuerySet,
)
from appointments.rules.plans import Tolerance
from appointments.selectors import plans as selectors
from appointments.services import plans as services
from appointments.services.plans import PlanForm
from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from core.models import Location
from leads.models import Property
from technicians.models import Technician


class PlanFilter(filters.FilterSet):
    """Narrow by branch, people and state; `attention` is what waits for somebody."""

    state = filters.MultipleChoiceFilter(choices=PLAN_STATES)
    location = filters.UUIDFilter()
    customer = filters.UUIDFilter()
    property = filters.UUIDFilter()
    service = filters.CharFilter(field_name="service__code")
    attention = filters.BooleanFilter(method="needing_attention")

    class Meta:
        model = MaintenancePlan
        fields: list[str] = []

    def needing_attention(
        self, found: MaintenancePlanQuerySet, name: str, value: Any
    ) -> MaintenancePlanQuerySet:
        waiting = found.needing_attention()
        return waiting if value else found.exclude(pk__in=waiting.values("pk"))


class OccurrenceFilter(filters.FilterSet):
    """Narrow by state."""

    state = filters.MultipleChoiceFilter(choices=OCCURRENCE_STATES)

    class Meta:
        model = PlanOccurrence
        fields: list[str] = []


class PlanViewSet(RetrieveWithETag, mixins.ListModelMixin, viewsets.GenericViewSet):
    """Maintenance plans of one's branches."""

    resource = "plans"
    serializer_class = PlanOutput
    filterset_class = PlanFilter
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("created_at", "id")

    def get_queryset(self) -> MaintenancePlanQuerySet:
        return selectors.plans_with_all(actor=actor_of(self.request))

    @extend_schema(request=forms.PlanInput, responses={201: PlanOutput})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Agree on a plan. Its visits are booked as they come within the horizon."""
        form = _checked(forms.PlanInput, request)
        actor = actor_of(request)
        plan = services.create(
            form=_plan_form(form, actor=actor), actor=actor, now=timezone.now()
        )
        return self._answer(plan, status.HTTP_201_CREATED)

    @extend_schema(request=forms.PlanChanges, responses=PlanOutput)
    @idempotent()
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change what was agreed on. Visits that are booked stay as they are."""
        changes = _checked(forms.PlanChanges, request)
        if "seasons" in changes:
            changes["seasons"] = list(map(forms.season_of, changes["seasons"]))
        if "technician" in changes:
            chosen = changes.pop("technician")
            changes["technician_id"] = _technician(chosen, actor=actor_of(request))
        return self._change(services.amend, pk, changes=changes)

    @extend_schema(request=ReasonInput, responses=PlanOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def pause(self, request: Request, pk: UUID) -> Response:
        """Let the plan book nothing for a while; what is booked stays."""
        return self._change(services.pause, pk, **_checked(ReasonInput, request))

    @extend_schema(request=ReasonInput, responses=PlanOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def resume(self, request: Request, pk: UUID) -> Response:
        """Let a paused plan book again."""
        return self._change(services.resume, pk, **_checked(ReasonInput, request))

    @extend_schema(request=ReasonInput, responses=PlanOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, pk: UUID) -> Response:
        """End the plan for good. Visits that are booked stay."""
        return self._change(services.end, pk, **_checked(ReasonInput, request))

    def _change(self, service: Any, pk: UUID, **given: Any) -> Response:
        plan = service(
            plan_id=pk,
            actor=actor_of(self.request),
            now=timezone.now(),
            expected_version=if_match(self.request),
            **given,
        )
        return self._answer(plan)

    def _answer(
        self, plan: MaintenancePlan, code: int = status.HTTP_200_OK
    ) -> Response:
        return with_etag(Response(PlanOutput(plan).data, code), plan.version)


class PlanOccurrenceViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """What became of each period of the plan in the path."""

    resource = "plan_occurrences"
    queryset = PlanOccurrence.objects.none()  # tells the API's description the model
    serializer_class = OccurrenceOutput
    filterset_class = OccurrenceFilter
    ordering: ClassVar[tuple[str, ...]] = ("first_day", "id")

    def get_queryset(self) -> QuerySet[PlanOccurrence]:
        actor = actor_of(self.request)
        plan = get_object_or_404(
            MaintenancePlan.objects.visible_to(actor), pk=self.kwargs["pk"]
        )
        return selectors.occurrences_of(plan_id=plan.pk, actor=actor)

    @extend_schema(request=forms.OccurrenceBookingInput, responses=OccurrenceOutput)
    @idempotent()
    def book(self, request: Request, pk: UUID, occurrence_id: UUID) -> Response:
        """Book the visit by hand at an offered start."""
        given = _checked(forms.OccurrenceBookingInput, request)
        if "technician" in given:
            given["technician_id"] = given.pop("technician")
        return self._change(services.book_occurrence, **given)

    @extend_schema(request=ReasonInput, responses=OccurrenceOutput)
    @idempotent()
    def skip(self, request: Request, pk: UUID, occurrence_id: UUID) -> Response:
        """Do without the visit of this period."""
        given = _checked(ReasonInput, request)
        return self._change(services.skip_occurrence, **given)

    @extend_schema(request=None, responses=OccurrenceOutput)
    @idempotent()
    def retry(self, request: Request, pk: UUID, occurrence_id: UUID) -> Response:
        """Try again at once, also what was skipped or whose visit fell through."""
        return self._change(services.retry_occurrence)

    def _change(self, service: Any, **given: Any) -> Response:
        # Of this plan it must be: the path names both.
        occurrence = get_object_or_404(
            self.get_queryset(), pk=self.kwargs["occurrence_id"]
        )
        changed = service(
            occurrence_id=occurrence.pk,
            actor=actor_of(self.request),
            now=timezone.now(),
            expected_version=if_match(self.request),
            **given,
        )
        return with_etag(Response(OccurrenceOutput(changed).data), changed.version)


def _checked(form_class: Any, request: Request) -> dict[str, Any]:
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    checked: dict[str, Any] = form.validated_data
    return checked


def _plan_form(form: dict[str, Any], *, actor: Actor) -> PlanForm:
    """Turn the ids of a checked form into what they stand for, within sight."""
    service = Service.objects.bookable().filter(code=form["service"]).first()
    address = Property.objects.select_related("customer").filter(pk=form["property"])
    location = None
    if "location" in form:
        seen = Location.objects.visible_to(actor).filter(pk=form["location"])
        location = seen.first() or _invalid("location", "There is no such location.")
    return PlanForm(
        property=address.first() or _invalid("property", "There is no such property."),
        service=service or _invalid("service", "There is no such service."),
        seasons=[forms.season_of(season) for season in form["seasons"]],
        location=location,
        technician_id=_technician(form.get("technician"), actor=actor),
        tolerance=Tolerance(form.get("tolerance", Tolerance.ANY)),
        valid_from=form.get("valid_from"),
        valid_until=form.get("valid_until"),
        notes=form.get("notes", ""),
    )


def _technician(technician_id: UUID | None, *, actor: Actor) -> UUID | None:
    seen = Technician.objects.visible_to(actor)
    if technician_id is not None and not seen.filter(pk=technician_id).exists():
        _invalid("technician", "There is no such technician.")
    return technician_id


def _invalid(field: str, sentence: str) -> Any:
    raise ValidationError({field: [sentence]})
