"""Visits over HTTP: read, book, move, step along."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from appointments import services
from appointments.api import serializers as forms
from appointments.api.availability import service_of
from appointments.api.filters import AppointmentFilter
from appointments.api.rows import public_visit_data, visit_data
from appointments.api.serializers import AppointmentOutput, PublicAppointmentOutput
from appointments.models import Appointment, Service
from appointments.models.visits import AppointmentQuerySet
from appointments.selectors import visits
from appointments.selectors.addresses import address_of
from appointments.selectors.visit_rows import visit_page, visit_row
from appointments.selectors.wishes import Known
from appointments.services import BookingRequest
from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import if_match, with_etag
from core.api.filters import checked_filters
from core.api.idempotency import idempotent
from core.api.pagination import SignedCursorPagination
from core.api.schema import MORE_PROBLEMS
from core.api.serializers import checked_body
from core.errors import Forbidden, NotFound
from core.models import Location
from leads import services as lead_services
from leads.models import Lead, Property


class ServiceViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Services that can be booked."""

    resource = "services"
    serializer_class = forms.ServiceOutput
    lookup_value_converter = "uuid"
    ordering = ("name", "id")

    def get_queryset(self) -> Any:
        if actor_of(self.request).is_staff:
            return Service.objects.bookable()
        return Service.objects.public()


class AppointmentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Visits of the company."""

    resource = "appointments"
    serializer_class = AppointmentOutput
    filterset_class = AppointmentFilter
    lookup_value_converter = "uuid"
    ordering = ("starts_at", "id")

    def get_queryset(self) -> AppointmentQuerySet:
        return visits.visits_with_people(actor=actor_of(self.request))

    def list(self, request: Request) -> Response:
        fetch = partial(
            visit_page,
            actor=actor_of(request),
            wanted=checked_filters(AppointmentFilter, request.query_params),
        )
        pages = SignedCursorPagination()
        page = pages.paginate(fetch, request, ordering=self.ordering)
        return pages.get_paginated_response([visit_data(visit) for visit in page])

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Show one visit; its ETag is its version."""
        visit = visit_row(pk, actor=actor_of(request))
        if visit is None:
            raise Http404
        return with_etag(Response(visit_data(visit)), visit.version)

    @extend_schema(
        request=forms.BookingInput,
        responses={
            201: OpenApiResponse(
                PublicAppointmentOutput,
                "The visit. Staff and machines receive the members of "
                "`AppointmentOutput` too.",
            )
        },
        extensions={MORE_PROBLEMS: ["410"]},  # of its hold
    )
    @idempotent()
    def create(self, request: Request) -> Response:
        """Book a visit at an offered start.

        Visitors ask for what the office has to approve: the visit is `requested`.
        """
        form = checked_body(forms.BookingInput, request)
        actor = actor_of(request)
        visit = services.book(
            request=booking_request(form, actor=actor),
            actor=actor,
            now=timezone.now(),
        )
        return self._answer(visit, status.HTTP_201_CREATED)

    @extend_schema(request=forms.NotesInput, responses=AppointmentOutput)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change the notes. A new time or technician is a step of its own."""
        return self._change(services.update_notes, forms.NotesInput, pk)

    @extend_schema(request=forms.RescheduleInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def reschedule(self, request: Request, pk: UUID) -> Response:
        """Move a visit in place to another offered start."""
        return self._change(services.reschedule, forms.RescheduleInput, pk)

    @extend_schema(request=forms.AssignInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def assign(self, request: Request, pk: UUID) -> Response:
        """Put a technician on the visit in place of whoever is on it."""
        return self._change(services.assign, forms.AssignInput, pk)

    @extend_schema(request=forms.ReasonInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def unassign(self, request: Request, pk: UUID) -> Response:
        """Take everybody off the visit; the promise stands."""
        return self._change(services.unassign, forms.ReasonInput, pk)

    @extend_schema(request=forms.CancelInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Call the visit off; its time is free at once."""
        return self._change(services.cancel, forms.CancelInput, pk)

    @extend_schema(request=forms.StatusInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"], url_path="status")
    @idempotent()
    def change_status(self, request: Request, pk: UUID) -> Response:
        """Take the next step: dispatched, en route, on site, completed ..."""
        return self._change(services.change_status, forms.StatusInput, pk)

    @extend_schema(request=forms.ApprovalInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, pk: UUID) -> Response:
        """Book what was asked for; where the time is taken, it stays a request."""
        return self._change(services.approve, forms.ApprovalInput, pk)

    @extend_schema(request=forms.CancelInput, responses=AppointmentOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def decline(self, request: Request, pk: UUID) -> Response:
        """Say no to a request; the customer is told."""
        return self._change(services.decline, forms.CancelInput, pk)

    @extend_schema(responses=forms.EventOutput(many=True), filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def history(self, request: Request, pk: UUID) -> Response:
        """Show each step of the visit: who, when, why."""
        visit = self.get_object()
        events = visits.history_of(appointment_id=visit.pk)
        return Response(forms.EventOutput(events, many=True).data)

    def _change(self, service: Any, form_class: Any, pk: UUID) -> Response:
        """Check the form, call the service, answer with the visit as it now is."""
        form = form_class(data=self.request.data)
        form.is_valid(raise_exception=True)
        names = {"technician": "technician_id", "status": "to"}
        given = {names.get(k, k): v for k, v in form.validated_data.items()}
        visit = service(
            appointment_id=pk,
            actor=actor_of(self.request),
            now=timezone.now(),
            expected_version=if_match(self.request),
            **given,
        )
        return self._answer(visit)

    def _answer(self, visit: Appointment, code: int = status.HTTP_200_OK) -> Response:
        return _shown(visit.pk, to=actor_of(self.request), code=code)


class LeadConversionView(viewsets.ViewSet):
    """A lead becomes a visit."""

    resource = "leads"

    @extend_schema(
        request=forms.ConversionInput,
        responses={201: AppointmentOutput},
        extensions={MORE_PROBLEMS: ["410"]},  # of its hold
    )
    @idempotent()
    def convert(self, request: Request, pk: UUID) -> Response:
        """Book the visit that the lead asks for; a lead converts once."""
        form = checked_body(forms.ConversionInput, request)
        actor = actor_of(request)
        visit = services.book(
            request=booking_request({**form, "lead": pk}, actor=actor),
            actor=actor,
            now=timezone.now(),
        )
        return _shown(visit.pk, to=actor, code=status.HTTP_201_CREATED)


def _shown(visit_id: UUID, *, to: Actor, code: int) -> Response:
    """Return a visit that a service has changed, as it now is."""
    visit = visit_row(visit_id)
    if visit is None:
        raise Http404
    show = visit_data if to.is_staff else public_visit_data
    return with_etag(Response(show(visit), code), visit.version)


def booking_request(form: dict[str, Any], *, actor: Actor) -> BookingRequest:
    """Turn the ids of a checked form into what they stand for, within sight."""
    address, known = _address(form.get("property"), actor=actor)
    roster = known.roster if known else None
    return BookingRequest(
        service=service_of(form["service"], actor=actor, roster=roster),
        starts_at=form["starts_at"],
        property=address,
        known=known,
        lead_id=lead_id_of(form, actor=actor),
        location=_location(form.get("location"), actor=actor),
        technician_id=form.get("technician") if actor.is_staff else None,
        notes=form.get("notes", ""),
        source=form.get("source", "staff" if actor.is_staff else "website"),
        override=form.get("override", frozenset()),
        reason=form.get("reason", ""),
        hold=form.get("hold", ""),
    )


def lead_id_of(form: dict[str, Any], *, actor: Actor) -> UUID | None:
    """Return the lead of a form: a visitor proves it is theirs by its token."""
    lead_id: UUID | None = form.get("lead")
    if lead_id is None:
        return None
    if not actor.is_staff:
        if lead_services.lead_id_of_token(form.get("booking_token", "")) != lead_id:
            raise Forbidden("The booking_token is not of this lead.")
    elif not Lead.objects.visible_to(actor).filter(pk=lead_id).exists():
        raise NotFound
    return lead_id


def _address(
    property_id: UUID | None, *, actor: Actor
) -> tuple[Property | None, Known | None]:
    if property_id is None:
        return None, None
    if not actor.is_staff:
        raise Forbidden("Visitors book by their lead.")
    address, known = address_of(property_id, today=timezone.now().date())
    return address or _invalid("property", "There is no such property."), known


def _location(location_id: UUID | None, *, actor: Actor) -> Location | None:
    if location_id is None or not actor.is_staff:
        return None
    location = Location.objects.visible_to(actor).filter(pk=location_id).first()
    return location or _invalid("location", "There is no such location.")


def _invalid(field: str, sentence: str) -> Any:
    raise ValidationError({field: [sentence]})
