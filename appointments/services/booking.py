"""Book a visit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Hold, Service
from appointments.rules import slots
from appointments.rules.slots import Override, Promise, Reason, Wish, to_minute
from appointments.rules.states import Status
from appointments.selectors import capacity
from appointments.selectors.wishes import Known
from appointments.services.asking import ask_for, awaits_approval
from appointments.services.deposits import require_no_deposit
from appointments.services.holding import (
    HoldExpired,
    HoldMismatch,
    find_hold,
    turn_over,
)
from appointments.services.overrides import as_data, require_permitted
from appointments.services.placing import place
from appointments.services.record import emit_about
from appointments.services.refusals import SlotUnavailable, refused
from core.actors import Actor
from core.errors import NotFound, Rejected
from core.ids import make_reference
from core.metrics import SLOTS_ASKED_FOR
from core.models import Location
from core.walltime import as_instant
from leads import services as leads
from leads.models import Lead, Property

__all__ = ["BookingRequest", "SlotUnavailable", "book"]


class _Asked(TypedDict, total=False):
    technician_ids: list[UUID]
    lead: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRequest:
    """What somebody wants to book.

    `starts_at` is the start of an offered slot: with an offset, or naive and then
    by the wall clock of the branch. The address is `property`, or follows from the
    lead. `location` is found by the address where it is not given. `technician_id`
    leads the crew. `override` sets soft rules aside, for the `reason` given (R9).
    `hold` is the token of a hold on that slot, or its id where whoever held it is
    known otherwise: a visitor's request never names that. `known` is what was read
    along with the property.
    """

    service: Service
    starts_at: datetime
    property: Property | None = None
    lead_id: UUID | None = None
    location: Location | None = None
    technician_id: UUID | None = None
    source: str = "staff"
    notes: str = ""
    override: frozenset[Override] = frozenset()
    reason: str = ""
    hold: str | UUID = ""
    known: Known | None = None


@transaction.atomic
def book(*, request: BookingRequest, actor: Actor, now: datetime) -> Appointment:
    """Book a visit at an offered start, with the technician best placed to do it.

    A hold kept is honoured; one that is over does no harm as long as the slot is
    free. What the office has to approve is asked for, and takes nobody's time.

    Emits:
        appointment.booked or appointment.requested, and lead.converted for a lead
    Raises:
        SlotUnavailable: nobody can keep that promise; says why and what else.
        HoldExpired: the hold is over and the slot is taken; says what else.
        HoldMismatch: the hold is for something else.
        OutOfServiceArea: no branch serves the address.
        NotFound: the branch is outside of the actor's sight.
        AlreadyConverted: the lead has been booked before.
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
        Forbidden, ReasonRequired: of an override.
        DepositRequired: a visitor has to pay first.
    """
    require_permitted(request.override, reason=request.reason, actor=actor)
    require_no_deposit(service=request.service, actor=actor)
    lead = open_lead(request.lead_id) if request.lead_id else None
    address = request.property or _address_of(lead, actor=actor, now=now)
    location = _branch(request, address=address, actor=actor)
    wish = capacity.wish_for(
        service=request.service,
        location=location,
        postal_code=address.postal_code,
        address=address,
        override=request.override,
        now=now,
        known=request.known,
    )
    start = as_instant(request.starts_at, zone=wish.branch.zone)
    visit = _draft(request, address=address, location=location, lead=lead)
    crew = _settle(visit, request, actor=actor, wish=wish, start=start)
    if lead is not None:
        leads.mark_converted(lead=lead, customer=address.customer, actor=actor, now=now)
    is_asked_for = visit.status == Status.REQUESTED
    emit_about(
        visit,
        "appointment.requested" if is_asked_for else "appointment.booked",
        actor=actor,
        now=now,
        reason=request.reason,
        data=as_data(request.override),
        technicians=crew,
    )
    return visit


def promise_or_refusal(wish: Wish, start: datetime) -> Promise:
    """Return the promise that begins at `start`.

    Raises:
        SlotUnavailable: no promise begins then.
    """
    whole_minute = not start.second and not start.microsecond
    promise = (
        slots.promise_at(wish, to_minute(start)) if whole_minute else Reason.OFF_GRID
    )
    if isinstance(promise, Reason):
        raise refused(wish, promise, after=start)
    return promise


def _branch(request: BookingRequest, *, address: Property, actor: Actor) -> Location:
    """Return the branch that does the visit; staff book for their own only."""
    location = request.location or capacity.location_serving(
        address.postal_code, known=request.known
    )
    if actor.is_staff and not actor.sees_location(location.pk):
        raise NotFound
    return location


def _settle(
    visit: Appointment,
    request: BookingRequest,
    *,
    actor: Actor,
    wish: Wish,
    start: datetime,
) -> Sequence[UUID] | None:
    """Find the visit its place: where it was held, or wherever there is one.

    Returns whom it put on it, unless the hold had seen to that.
    """
    if not request.hold:
        return _place(visit, request, actor=actor, wish=wish, start=start)
    hold = _hold_for(request, wish=wish, start=start, postal_code=wish.postal_code)
    chosen = [request.technician_id] if request.technician_id else None
    if turn_over(visit, hold=hold, wish=wish, technician_ids=chosen):
        SLOTS_ASKED_FOR.labels("kept").inc()
        return None
    is_kept = hold.expires_at > wish.now
    if is_kept:  # by somebody who cannot come after all: others may
        wish = replace(wish, is_settled=True)
    try:
        return _place(
            visit, request, actor=actor, wish=wish, start=start, own=[hold.pk]
        )
    except SlotUnavailable as taken:
        if is_kept:
            raise
        raise HoldExpired(str(taken), **taken.extra) from taken


def _hold_for(
    request: BookingRequest, *, wish: Wish, start: datetime, postal_code: str
) -> Hold:
    """Return the hold of the request's token, over or not.

    Raises:
        HoldExpired: it was booked or let go before.
        HoldMismatch
    """
    hold = find_hold(request.hold)
    if hold is None:
        gone = refused(wish, Reason.HELD, after=start)
        raise HoldExpired("There is no such hold any more.", **gone.extra)
    same = {
        "service": hold.service_id == request.service.pk,
        "postal_code": hold.postal_code[:5] == postal_code[:5],
        "starts_at": hold.window_starts_at == start,
        "lead": hold.lead_id in {None, request.lead_id},
    }
    differs = [name for name, is_same in same.items() if not is_same]
    if differs:
        raise HoldMismatch(
            f"The hold is for another {', '.join(differs)}.", differs=differs
        )
    return hold


def _place(
    visit: Appointment,
    request: BookingRequest,
    *,
    actor: Actor,
    wish: Wish,
    start: datetime,
    own: Collection[UUID] = (),
) -> Sequence[UUID]:
    """Put technicians on the visit, or ask for it; return whom it put on it."""
    promise = promise_or_refusal(wish, start)
    visit.window_starts_at, visit.window_ends_at = promise.starts_at, promise.ends_at
    asked = asked_of(wish, request.technician_id)
    if awaits_approval(request.service, actor=actor):
        outcome = ask_for(visit, wish=wish, promise=promise, **asked)
    else:
        outcome = place(visit, wish=wish, promise=promise, own=own, **asked)
    is_lost = isinstance(outcome, Reason)
    SLOTS_ASKED_FOR.labels("lost" if is_lost else "kept").inc()
    if isinstance(outcome, Reason):
        raise refused(wish, outcome, after=start)
    return () if visit.status == Status.REQUESTED else outcome.technicians


def asked_of(wish: Wish, technician_id: UUID | None) -> _Asked:
    """Return whom `place` has to ask where one technician is wanted.

    That one alone, or with hands to help where the work takes a crew.
    """
    if technician_id is None:
        return {}
    if wish.terms.crew_size > 1:
        return {"lead": technician_id}
    return {"technician_ids": [technician_id]}


def open_lead(lead_id: UUID) -> Lead:
    """Lock the lead; where it was booked before, say as which visit."""
    try:
        return leads.lock_open_lead(lead_id=lead_id)
    except leads.AlreadyConverted as again:
        booked = Appointment.objects.filter(lead=lead_id).values_list("pk", flat=True)
        again.extra["appointment"] = next(map(str, booked), None)
        raise


def _address_of(lead: Lead | None, *, actor: Actor, now: datetime) -> Property:
    if lead is None:
        raise Rejected("A booking needs a property or a lead.")
    customer = leads.customer_for_lead(lead=lead, actor=actor, now=now)
    return leads.property_for_lead(lead=lead, customer=customer, actor=actor, now=now)


def _draft(
    request: BookingRequest,
    *,
    address: Property,
    location: Location,
    lead: Lead | None,
) -> Appointment:
    """Return the visit, unsaved and without its times."""
    return Appointment(
        reference=make_reference("V"),
        location=location,
        service=request.service,
        customer_id=address.customer_id,
        property=address,
        lead=lead,
        price_cents=request.service.price_cents,
        currency=request.service.currency,
        source=request.source,
        notes=request.notes,
    )
