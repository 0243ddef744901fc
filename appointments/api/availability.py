"""Which times can be booked, and why others cannot."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from appointments.api.availability_forms import (
    AvailabilityInput,
    AvailabilityOutput,
    ExplanationInput,
    ExplanationOutput,
)
from appointments.api.fields import arrival_text
from appointments.api.tokens import HOLD_TOKEN, hold_token_of
from appointments.models import Appointment, Service
from appointments.rules.slots import Promise, Terms, Wish, to_moment
from appointments.selectors import capacity
from appointments.selectors.availability import (
    Question,
    UnknownService,
    availability,
    sold,
)
from appointments.selectors.holds import own_holds
from appointments.selectors.roster import Roster, current_roster
from core.actors import Actor
from core.api.actors import actor_of
from core.api.schema import MORE_PROBLEMS
from core.api.serializers import checked_query
from core.errors import NotFound
from core.models import Location
from leads.models import Property

# What the question names may be out of sight.
_OUT_OF_SIGHT = {MORE_PROBLEMS: ["404"]}


class AvailabilityView(APIView):
    """Times that are true."""

    policy = "availability.list"

    @extend_schema(
        parameters=[AvailabilityInput, HOLD_TOKEN],
        responses={200: AvailabilityOutput},
        extensions=_OUT_OF_SIGHT,
        examples=[
            OpenApiExample(
                "A tune-up in Phoenix",
                response_only=True,
                value={
                    "computed_at": "2027-03-01T08:00:00-07:00",
                    "degraded": False,
                    "service": "ac-tune-up",
                    "location": "0195519c-7000-7000-8000-000000000001",
                    "time_zone": "America/Phoenix",
                    "booking_mode": "window",
                    "slots": [
                        {
                            "date": "2027-03-02",
                            "starts_at": "2027-03-02T08:00:00-07:00",
                            "ends_at": "2027-03-02T10:00:00-07:00",
                            "display": "Tue, Mar 2, 8:00 \N{EN DASH} 10:00 AM",
                        }
                    ],
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List what can be booked; the slot that one holds is."""
        query, actor = checked_query(AvailabilityInput, request), actor_of(request)
        question = _question(
            query,
            actor=actor,
            hold_token=hold_token_of(request),
            now=timezone.now(),
        )
        try:
            found = availability(question)
        except UnknownService as unknown:
            raise ValidationError({"service": [str(unknown)]}) from unknown
        wish = found.wish
        zone = query.get("tz") or wish.branch.zone
        return Response(
            {
                "computed_at": wish.now.astimezone(zone).isoformat(),
                "degraded": wish.travel.degraded,
                "service": found.service.code,
                "location": wish.branch.id,
                "time_zone": zone.key,
                "booking_mode": found.service.booking_mode,
                "slots": [
                    _slot(promise, terms=wish.terms, zone=zone)
                    | ({"technicians": who} if actor.is_staff else {})
                    for promise, who in found.promises
                ],
            }
        )


class ExplanationView(APIView):
    """Why a time is not offered."""

    policy = "availability.explain"

    @extend_schema(
        parameters=[ExplanationInput],
        responses={200: ExplanationOutput},
        extensions=_OUT_OF_SIGHT,
    )
    def get(self, request: Request) -> Response:
        """Explain one start, technician by technician."""
        query = checked_query(ExplanationInput, request)
        actor = actor_of(request)
        service = service_of(query["service"], actor=actor)
        wish = _wish(query, service=service, actor=actor, now=timezone.now())
        explanation = capacity.explain_start(wish=wish, starts_at=query["starts_at"])
        return Response(
            {
                "starts_at": explanation.start.astimezone(wish.branch.zone).isoformat(),
                "reason": explanation.reason,
                "technicians": [
                    {"technician": technician_id, "name": name, "reason": reason}
                    for technician_id, name, reason in explanation.technicians
                ],
            }
        )


def service_of(code: str, *, actor: Actor, roster: Roster | None = None) -> Service:
    """Return the service of that code, if it is sold to the actor."""
    roster = roster or current_roster()
    try:
        return sold(code, public_only=not actor.is_staff, roster=roster)
    except UnknownService as unknown:
        raise ValidationError({"service": [str(unknown)]}) from unknown


def _wish(
    query: Mapping[str, Any], *, service: Service, actor: Actor, now: datetime
) -> Wish:
    location = capacity.location_serving(query["postal_code"])
    if "location" in query and actor.is_staff:
        chosen = Location.objects.visible_to(actor).filter(pk=query["location"])
        location = chosen.first() or _not_found()
    return capacity.wish_for(
        service=service, location=location, postal_code=query["postal_code"], now=now
    )


def _not_found() -> NoReturn:
    raise NotFound


def _question(
    query: Mapping[str, Any], *, actor: Actor, hold_token: str, now: datetime
) -> Question:
    """Return the question; what is for staff only is not heard from others."""
    chosen = query if actor.is_staff else {}
    location_id = chosen.get("location")
    if location_id is not None and not actor.sees_location(location_id):
        raise NotFound
    visit = _visit(chosen.get("appointment"), actor=actor)
    moved = [visit.pk] if visit else []
    return Question(
        service=query["service"],
        postal_code=query["postal_code"],
        now=now,
        days=query.get("days", 7),
        first_day=query.get("from"),
        location_id=location_id,
        technician_id=chosen.get("technician"),
        address=visit.property if visit else _address(chosen.get("property")),
        public_only=not actor.is_staff,
        by_whom=actor.is_staff,
        own=[*moved, *own_holds(hold_token)],
    )


def _visit(visit_id: UUID | None, *, actor: Actor) -> Appointment | None:
    if visit_id is None:
        return None
    visible = Appointment.objects.visible_to(actor).select_related("property")
    return visible.filter(pk=visit_id).first() or _not_found()


def _address(property_id: UUID | None) -> Property | None:
    if property_id is None:
        return None
    return Property.objects.filter(pk=property_id).first() or _not_found()


@lru_cache(maxsize=10_000)
def _slot(promise: Promise, *, terms: Terms, zone: ZoneInfo) -> dict[str, Any]:
    """Return a promise as it is shown; who adds to it makes a copy."""
    is_window = terms.window is not None
    end = promise.end if is_window else promise.start + terms.duration
    starts_at = promise.starts_at.astimezone(zone)
    ends_at = to_moment(end).astimezone(zone)
    return {
        "date": promise.day.isoformat(),
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "display": arrival_text(
            starts_at=starts_at, ends_at=ends_at, is_window=is_window, zone=zone
        ),
    }
