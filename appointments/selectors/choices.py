"""What a dispatcher may choose from: times that are true, technicians who are free."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from appointments.models import Appointment
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Reason, Wish, to_minute
from appointments.selectors import capacity
from core.actors import Actor
from core.walltime import local_date
from technicians.models import Technician


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A start that can be booked at this moment, and the names of who is free."""

    promise: Promise
    technicians: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A technician for a visit as it is promised; `reason` says why he cannot."""

    technician: Technician
    reason: Reason | None
    is_on_it: bool


def openings(
    *,
    wish: Wish,
    first_day: date,
    days: int,
    technician_id: UUID | None = None,
    except_visit: UUID | None = None,
) -> list[Opening]:
    """Return the starts that are on offer; see `capacity.slots_between`."""
    offers = capacity.slots_between(
        wish=wish,
        first_day=first_day,
        days=days,
        technician_id=technician_id,
        own=[] if except_visit is None else [except_visit],
    )
    names = _names(way for _, ways in offers for way in ways)
    return [
        Opening(
            promise=promise,
            technicians=[names[key] for key in _best_first(ways)],
        )
        for promise, ways in offers
    ]


def candidates(*, visit: Appointment, actor: Actor, now: datetime) -> list[Candidate]:
    """Return the branch's technicians for this visit, those who can do it first."""
    wish = capacity.wish_of(visit, now=now)
    promise = Promise(
        to_minute(visit.window_starts_at),
        to_minute(visit.window_ends_at),
        local_date(visit.window_starts_at, zone=wish.branch.zone),
    )
    workers = capacity.workers_for(
        wish=wish,
        days=capacity.days_around(wish, promise),
        own=[visit.pk],
    )
    on_it = set(
        visit.assignments.holding().values_list("technician_id", flat=True).distinct()
    )
    crew = Technician.objects.visible_to(actor).filter(pk__in=workers)
    found = [
        Candidate(
            technician=technician,
            reason=slots.why_not(wish, workers[technician.pk], promise),
            is_on_it=technician.pk in on_it,
        )
        for technician in crew.order_by("name", "pk")
    ]
    return sorted(found, key=lambda one: (one.reason is not None, one.reason or ""))


def _best_first(ways: Iterable[Placement]) -> list[UUID]:
    """Return who could come, each once, the best placed first."""
    return list(dict.fromkeys(key for way in ways for key in way.technicians))


def _names(ways: Iterable[Placement]) -> dict[UUID, str]:
    ids = {key for way in ways for key in way.technicians}
    return dict(Technician.objects.filter(pk__in=ids).values_list("pk", "name"))
