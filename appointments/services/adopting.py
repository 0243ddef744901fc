"""Visits that were promised elsewhere: written down, and followed when they move."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Service
from appointments.rules import slots
from appointments.rules.slots import Override, Promise, Reason, Wish, to_minute
from appointments.rules.states import Status
from appointments.selectors import capacity
from appointments.services.booking import open_lead
from appointments.services.moving import as_it_was, must_be_movable, take_off
from appointments.services.placing import place
from appointments.services.record import (
    crew_of,
    emit_about,
    locked_visit,
    save_change,
)
from appointments.services.refusals import SlotUnavailable, unavailable
from core.actors import Actor
from core.errors import NotFound
from core.ids import make_reference
from core.models import Location
from core.travel import Place, Travel
from core.walltime import local_date
from leads import services as leads
from leads.models import Lead, Property

_LEAST_MINUTES = 5
_PLAN = ("window_starts_at", "window_ends_at", "starts_at", "ends_at", "zone")
# Who promised it has settled these with the customer and with the technicians.
_SETTLED = frozenset(Override)


class _NoWay:
    """Whoever planned the visit has planned the ways to it: they take no time here."""

    def minutes(self, origin: Place, destination: Place) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was promised and planned elsewhere.

    The technicians arrive within [window_starts_at, window_ends_at) and work in
    [starts_at, ends_at). The first of `technician_ids` leads.
    """

    window_starts_at: datetime
    window_ends_at: datetime
    starts_at: datetime
    ends_at: datetime
    technician_ids: tuple[UUID, ...] = ()

    @property
    def minutes(self) -> int:
        return to_minute(self.ends_at) - to_minute(self.starts_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A visit that somebody else has promised.

    `location` is found by the address where it is not given. A lead is closed by its
    visit.
    """

    service: Service
    property: Property
    plan: Plan
    location: Location | None = None
    lead_id: UUID | None = None
    source: str
    notes: str = ""


@transaction.atomic
def adopt(*, adoption: Adoption, actor: Actor, now: datetime) -> Appointment:
    """Write down a visit that was promised elsewhere; nobody is asked or told.

    Its promise stands, whatever our notice, windows, caps and hours say. Its
    technicians are on it unless one of them is busy, away or has no shift that day:
    then nobody is, and a dispatcher must act (R9).

    Emits:
        appointment.taken_in, and lead.converted for a lead
    Raises:
        OutOfServiceArea: no branch serves the address.
        NotFound: the branch is outside of the actor's sight.
        AlreadyConverted, LeadDismissed
    """
    address = adoption.property
    location = adoption.location or capacity.location_serving(address.postal_code)
    if not actor.sees_location(location.pk):
        raise NotFound
    lead = open_lead(adoption.lead_id) if adoption.lead_id else None
    visit = _draft(adoption, location=location, lead=lead)
    wish = _wish(visit, adoption.plan, now=now)
    plan = adoption.plan
    if not plan.technician_ids or _put_on(visit, plan, wish=wish) is not None:
        visit = _draft(adoption, location=location, lead=lead)
        visit.zone_id = wish.zone_id
        visit.save(force_insert=True)
    if lead is not None:
        leads.mark_converted(lead=lead, customer=address.customer, actor=actor, now=now)
    emit_about(visit, "appointment.taken_in", actor=actor, now=now)
    return visit


@transaction.atomic
def follow(
    *,
    appointment_id: UUID,
    plan: Plan,
    actor: Actor,
    now: datetime,
    why: str = "",
) -> Appointment:
    """Bring a visit to where it was put elsewhere: time, length and technicians.

    The new promise was given already and stands, as in `adopt`. But whoever is busy
    or away is not put on it: then all stays as it is.

    Emits:
        appointment.rescheduled, with the previous times; appointment.assigned or
        appointment.unassigned where only the technicians are others
    Raises:
        SlotUnavailable: a technician cannot be there.
        InvalidTransition: the work has begun or the visit has ended.
        NotFound
    """
    visit = locked_visit(
        appointment_id=appointment_id, actor=actor, expected_version=None
    )
    must_be_movable(visit, to="rescheduled")
    before, crew = as_it_was(visit), crew_of(visit)
    was = [getattr(visit, name) for name in _PLAN[:4]]
    _set_plan(visit, plan)
    if not plan.technician_ids:
        take_off(crew)
    elif reason := _put_on(visit, plan, wish=_wish(visit, plan, now=now)):
        raise unavailable(reason)
    is_moved = was != [getattr(visit, name) for name in _PLAN[:4]]
    crewed = "appointment.assigned" if plan.technician_ids else "appointment.unassigned"
    visit.status = Status.SCHEDULED
    visit.sequence += is_moved
    save_change(
        visit,
        fields=[*_PLAN, "work_minutes", "status", "sequence"],
        event="appointment.rescheduled" if is_moved else crewed,
        actor=actor,
        now=now,
        reason=why,
        data={"previous": before},
    )
    return visit


def _wish(visit: Appointment, plan: Plan, *, now: datetime) -> Wish:
    """Return what has to be free: the technicians for that long, and no more.

    Whoever planned it knew nothing of our buffers, and may have planned back to back.
    """
    wish = capacity.wish_of(visit, override=_SETTLED, now=now)
    travel = Travel(_NoWay())
    wish = replace(wish, is_settled=True, travel=travel, barred=frozenset())
    crew_size = max(1, len(plan.technician_ids))
    terms = replace(wish.terms, crew_size=crew_size, before=0, after=0)
    return replace(wish, terms=terms)


def _draft(adoption: Adoption, *, location: Location, lead: Lead | None) -> Appointment:
    visit = Appointment(
        reference=make_reference("V"),
        location=location,
        service=adoption.service,
        customer_id=adoption.property.customer_id,
        property=adoption.property,
        lead=lead,
        price_cents=adoption.service.price_cents,
        currency=adoption.service.currency,
        source=adoption.source,
        notes=adoption.notes,
    )
    _set_plan(visit, adoption.plan)
    return visit


def _set_plan(visit: Appointment, plan: Plan) -> None:
    """Set promise, plan and length; what is spread over days is so by our rules."""
    visit.window_starts_at = plan.window_starts_at
    visit.window_ends_at = plan.window_ends_at
    visit.starts_at, visit.ends_at = plan.starts_at, plan.ends_at
    service = visit.service
    is_usual = service.splits_over_days or plan.minutes == service.duration_minutes
    is_unsaid = is_usual or plan.minutes < _LEAST_MINUTES
    visit.work_minutes = None if is_unsaid else plan.minutes


def _put_on(visit: Appointment, plan: Plan, *, wish: Wish) -> Reason | None:
    """Save the visit with its technicians on it, exactly as planned; or say why not."""
    start = to_minute(plan.starts_at)
    day = local_date(plan.starts_at, zone=wish.branch.zone)
    promise = Promise(start, start + slots.EXACT_PROMISE, day)
    try:
        with transaction.atomic():
            outcome = place(
                visit,
                wish=wish,
                promise=promise,
                technician_ids=list(plan.technician_ids),
            )
    except SlotUnavailable:  # the database is the referee
        return Reason.BUSY
    return outcome if isinstance(outcome, Reason) else None
