"""Ask for a visit that the office has to approve."""

from collections.abc import Collection
from uuid import UUID

from appointments.models import Appointment, Service
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Reason, Wish, to_moment
from appointments.rules.states import Status
from appointments.selectors import capacity
from appointments.selectors.capacity import RosterChanged
from core.actors import Actor, Role
from core.errors import Unavailable

# The office's own bookings need nobody's approval.
_ASKING = frozenset({Role.ANONYMOUS, Role.INTEGRATION})
_TRIES = 5


def awaits_approval(service: Service, *, actor: Actor) -> bool:
    """Tell whether what this actor books of the service is only asked for."""
    return service.requires_approval and actor.role in _ASKING


def ask_for(
    visit: Appointment,
    *,
    wish: Wish,
    promise: Promise,
    technician_ids: Collection[UUID] | None = None,
    lead: UUID | None = None,
) -> Placement | Reason:
    """Save the visit as a request, planned as it could be done now.

    It takes nobody's time: several may ask for the same slot. Returns how it could
    be done, or why nobody can keep the promise. Needs a transaction.
    """
    found = _first_way(wish, promise, technician_ids=technician_ids, lead=lead)
    if isinstance(found, Reason):
        return found
    visit.starts_at, visit.ends_at = to_moment(found.start), to_moment(found.end)
    visit.zone_id = wish.zone_id
    visit.status = Status.REQUESTED
    visit.save(force_insert=True)
    return found


def _first_way(
    wish: Wish,
    promise: Promise,
    *,
    technician_ids: Collection[UUID] | None,
    lead: UUID | None,
) -> Placement | Reason:
    for _ in range(_TRIES):
        counted = capacity.with_caps(wish, days=[promise.day])
        refusal = slots.promise_refusal(counted, promise)
        if refusal is not None:
            return refusal
        try:
            workers = capacity.workers_for(
                wish=counted,
                days=capacity.days_around(counted, promise),
                technician_ids=technician_ids,
            )
        except RosterChanged:
            wish = capacity.renewed(wish)
            continue
        ways = slots.placements(counted, workers, promise)
        fitting = (way for way in ways if lead in {None, way.technicians[0]})
        return next(fitting, None) or slots.common_refusal(counted, workers, promise)
    raise Unavailable("The company's calendar is being changed. Please try again.")
