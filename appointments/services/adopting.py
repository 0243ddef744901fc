"""Write down visits that were promised elsewhere."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Service
from appointments.rules import slots
from appointments.rules.slots import Override, Placement, Promise, Wish, to_minute
from appointments.selectors import capacity
from appointments.services.booking import open_lead
from appointments.services.placing import place
from appointments.services.record import emit_about
from appointments.services.refusals import SlotUnavailable
from core.actors import Actor
from core.errors import NotFound
from core.ids import make_reference
from core.models import Location
from core.travel import Place, Travel
from core.walltime import local_date
from leads import services as leads
from leads.models import Lead, Property

_LEAST_MINUTES = 5
# Who promised it has settled these with the customer and with the technicians.
_SETTLED = frozenset(Override)


class _NoWay:
    """Whoever planned the visit has planned the ways to it: they take no time here."""

    def minutes(self, origin: Place, destination: Place) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A visit as somebody else has promised and planned it.

    The technicians arrive within [window_starts_at, window_ends_at) and work in
    [starts_at, ends_at). The first of `technician_ids` leads. `location` is found by
    the address where it is not given. A lead is closed by its visit.
    """

    service: Service
    property: Property
    window_starts_at: datetime
    window_ends_at: datetime
    starts_at: datetime
    ends_at: datetime
    technician_ids: tuple[UUID, ...] = ()
    location: Location | None = None
    lead_id: UUID | None = None
    source: str
    notes: str = ""


@transaction.atomic
def adopt(*, adoption: Adoption, actor: Actor, now: datetime) -> Appointment:
    """Write down a visit that was promised elsewhere; nobody is asked or told.

    Its promise stands, whatever our notice, windows, caps and hours say. Its
    technicians are on it unless one of them is busy, away or unknown to the branch's
    shifts: then nobody is, and a dispatcher must act (R9).

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
    wish = _wish(adoption, location=location, now=now)
    visit = _draft(adoption, location=location, lead=lead)
    if not _put_on(visit, adoption, wish=wish):
        visit = _draft(adoption, location=location, lead=lead)
        visit.zone_id = wish.zone_id
        visit.save(force_insert=True)
    if lead is not None:
        leads.mark_converted(lead=lead, customer=address.customer, actor=actor, now=now)
    emit_about(visit, "appointment.taken_in", actor=actor, now=now)
    return visit


def _wish(adoption: Adoption, *, location: Location, now: datetime) -> Wish:
    """Return what has to be free: the technicians for that long, and no more."""
    wish = capacity.wish_for(
        service=adoption.service,
        location=location,
        postal_code=adoption.property.postal_code,
        address=adoption.property,
        override=_SETTLED,
        now=now,
    )
    travel = Travel(_NoWay())
    wish = replace(wish, is_settled=True, travel=travel, barred=frozenset())
    wish = capacity.lasting(wish, minutes=_minutes(adoption))
    crew_size = max(1, len(adoption.technician_ids))
    return replace(wish, terms=replace(wish.terms, crew_size=crew_size, splits=False))


def _minutes(adoption: Adoption) -> int | None:
    """Return how long they work, unless that is just what the service says."""
    minutes = to_minute(adoption.ends_at) - to_minute(adoption.starts_at)
    is_usual = minutes == adoption.service.duration_minutes
    return None if is_usual or minutes < _LEAST_MINUTES else minutes


def _draft(adoption: Adoption, *, location: Location, lead: Lead | None) -> Appointment:
    return Appointment(
        reference=make_reference("V"),
        location=location,
        service=adoption.service,
        customer_id=adoption.property.customer_id,
        property=adoption.property,
        lead=lead,
        window_starts_at=adoption.window_starts_at,
        window_ends_at=adoption.window_ends_at,
        starts_at=adoption.starts_at,
        ends_at=adoption.ends_at,
        work_minutes=_minutes(adoption),
        price_cents=adoption.service.price_cents,
        currency=adoption.service.currency,
        source=adoption.source,
        notes=adoption.notes,
    )


def _put_on(visit: Appointment, adoption: Adoption, *, wish: Wish) -> bool:
    """Save the visit with its technicians on it, exactly as planned, if they can."""
    if not adoption.technician_ids:
        return False
    start = to_minute(adoption.starts_at)
    day = local_date(adoption.starts_at, zone=wish.branch.zone)
    promise = Promise(start, start + slots.EXACT_PROMISE, day)
    try:
        with transaction.atomic():
            outcome = place(
                visit,
                wish=wish,
                promise=promise,
                technician_ids=list(adoption.technician_ids),
            )
    except SlotUnavailable:  # the database is the referee
        return False
    return isinstance(outcome, Placement)
