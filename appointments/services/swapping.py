"""Exchange the technicians of two visits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from appointments.models import Appointment
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Reason, Wish, to_minute
from appointments.rules.states import Status
from appointments.selectors import capacity
from appointments.selectors.capacity import RosterChanged, Workers
from appointments.services.locking import UnderLock, lock_technicians
from appointments.services.moving import as_it_was, must_be_movable
from appointments.services.placing import occupy
from appointments.services.record import crew_of, locked_visit, save_change
from appointments.services.refusals import SlotUnavailable, double_booked, refused
from core.actors import Actor
from core.db import on_breach
from core.errors import Rejected
from core.walltime import local_date

# A roster that changes more often than this while we look is no bad luck.
_ROUNDS = 10


class Exchange(StrEnum):
    """What two visits exchange.

    Technicians: each visit keeps its time where the others can keep it. Plans: each
    takes the other's technicians and the other's time, too.
    """

    TECHNICIANS = "technicians"
    PLANS = "plans"


class NotSwappable(Rejected):
    """There is nothing to exchange between these two."""

    code = "not_swappable"
    title = "These visits cannot be swapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One of the two visits, and what it gets: whom (the lead first), and when best."""

    visit: Appointment
    wish: Wish
    crew: tuple[UUID, ...]
    start: int
    workers: Workers

    @property
    def promise(self) -> Promise:
        first, end = self.visit.window_starts_at, self.visit.window_ends_at
        day = local_date(first, zone=self.wish.branch.zone)
        return Promise(to_minute(first), to_minute(end), day)

    def starts(self) -> list[int]:
        """Return when work may start within the promise, the best first.

        What has gone by comes last: a visit that is late must still be given away.
        """
        promise, now = self.promise, to_minute(self.wish.now)
        best = [self.start] if promise.start <= self.start < promise.end else []
        others = slots.work_starts(self.wish, promise)
        return list(
            dict.fromkeys([*best, *sorted(others, key=lambda at: (at < now, at))])
        )

    def ways(self) -> Iterator[Placement]:
        """Yield the ways to keep the promise with just this crew, the best first."""
        wish = replace(self.wish, preferred=frozenset(self.crew[:1]))
        for start in self.starts():
            exactly = Promise(start, start + slots.EXACT_PROMISE, self.promise.day)
            for way in slots.placements(wish, self.workers, exactly):
                if way.technicians[0] == self.crew[0]:
                    yield way

    def beside(self, other: "_Side", way: Placement) -> "_Side":
        """Return this side with what the other visit takes of the same technicians."""
        place = other.wish.place
        taken = [slots.occupied_by(other.wish.terms, part) for part in way.parts]
        stops = [
            slots.stop(
                slots.to_moment(span.start),
                slots.to_moment(span.end),
                owner=other.visit.pk,
                place=place,
            )
            for span in taken
        ]
        shared = set(self.crew) & set(way.technicians)
        busier = {
            key: replace(worker, stops=sorted([*worker.stops, *stops]))
            for key, worker in self.workers.items()
            if key in shared
        }
        return replace(self, workers=self.workers | busier)

    def refusal(self) -> SlotUnavailable | None:
        """Return why this visit, by itself, cannot have the crew, or None."""
        if next(self.ways(), None) is not None:
            return None
        return self.refused(slots.common_refusal(self.wish, self.workers, self.promise))

    def refused(self, reason: Reason) -> SlotUnavailable:
        """Return the refusal with what else this visit could be promised."""
        wish = replace(self.wish, is_settled=False)
        refusal = refused(wish, reason, after=self.visit.window_starts_at)
        refusal.extra["appointment"] = str(self.visit.pk)
        return refusal


@transaction.atomic
def swap(
    *,
    first_id: UUID,
    second_id: UUID,
    actor: Actor,
    now: datetime,
    exchange: Exchange = Exchange.TECHNICIANS,
    reason: str = "",
    first_version: int | None = None,
    second_version: int | None = None,
) -> tuple[Appointment, Appointment]:
    """Exchange the technicians of two visits: both, or nothing.

    Both keep what they promised; work starts elsewhere within the promise where it
    must. It may be impossible one by one: neither stands in the other's way.

    Emits:
        appointment.assigned for each, with `swapped_with`
    Raises:
        NotSwappable: one visit, one crew, or nobody on it.
        SlotUnavailable: `appointment` is the visit that cannot be kept.
        InvalidTransition, VersionConflict, NotFound
    """
    visits = _locked({first_id: first_version, second_id: second_version}, actor=actor)
    first, second = visits[first_id], visits[second_id]
    crews = _crew_ids(first), _crew_ids(second)
    _must_be_swappable(first, second, crews=crews, exchange=exchange)
    before = {visit.pk: as_it_was(visit) for visit in (first, second)}
    lock_technicians({*crews[0], *crews[1]})
    found = _look(first, second, crews=crews, exchange=exchange, now=now)
    _write(found)
    for visit, other in ((first, second), (second, first)):
        save_change(
            visit,
            fields=["starts_at", "ends_at", "zone", "status"],
            event="appointment.assigned",
            actor=actor,
            now=now,
            reason=reason,
            data={"previous": before[visit.pk], "swapped_with": str(other.pk)},
        )
    return first, second


def _locked(
    versions: dict[UUID, int | None], *, actor: Actor
) -> dict[UUID, Appointment]:
    """Lock the visits in the order of their ids, so that nobody waits in a circle."""
    if len(versions) == 1:
        raise NotSwappable("A visit cannot be swapped with itself.")
    return {
        pk: locked_visit(appointment_id=pk, actor=actor, expected_version=versions[pk])
        for pk in sorted(versions)
    }


def _crew_ids(visit: Appointment) -> tuple[UUID, ...]:
    """Return who is on the visit, each once, the lead technician first."""
    return tuple(dict.fromkeys(row.technician_id for row in crew_of(visit)))


def _must_be_swappable(
    first: Appointment,
    second: Appointment,
    *,
    crews: tuple[tuple[UUID, ...], tuple[UUID, ...]],
    exchange: Exchange,
) -> None:
    for visit in (first, second):
        must_be_movable(visit, to="swapped")
    if not all(crews):
        raise NotSwappable("Nobody is on one of them: assign a technician instead.")
    if len(crews[0]) != len(crews[1]):
        raise NotSwappable("Their crews are of different sizes.")
    if exchange is Exchange.TECHNICIANS and crews[0] == crews[1]:
        raise NotSwappable("The same technicians are on both.")


def _look(
    first: Appointment,
    second: Appointment,
    *,
    crews: tuple[tuple[UUID, ...], tuple[UUID, ...]],
    exchange: Exchange,
    now: datetime,
) -> list[tuple[_Side, Placement]]:
    """Ask the predicate for both, each out of the other's way.

    Raises:
        SlotUnavailable
    """
    plans = to_minute(first.starts_at), to_minute(second.starts_at)
    if exchange is Exchange.PLANS:
        plans = plans[1], plans[0]
    own = [first.pk, second.pk]
    for _ in range(_ROUNDS):
        try:
            one = _side(first, crew=crews[1], start=plans[0], own=own, now=now)
            other = _side(second, crew=crews[0], start=plans[1], own=own, now=now)
        except RosterChanged:
            continue
        return _both(one, other)
    raise double_booked()


def _side(
    visit: Appointment,
    *,
    crew: tuple[UUID, ...],
    start: int,
    own: list[UUID],
    now: datetime,
) -> _Side:
    wish = replace(capacity.wish_of(visit, now=now), is_settled=True)
    side = _Side(visit=visit, wish=wish, crew=crew, start=start, workers={})
    days = capacity.days_around(wish, side.promise)
    workers = capacity.workers_for(
        wish=wish,
        days=days,
        technician_ids=crew,
        own=own,
        read=UnderLock(leaving=(), waits=True, now=now),
    )
    return replace(side, workers=workers)


def _both(first: _Side, second: _Side) -> list[tuple[_Side, Placement]]:
    """Return a way for each such that both can be.

    Raises:
        SlotUnavailable
    """
    for side in (first, second):
        refusal = side.refusal()
        if refusal is not None:
            raise refusal
    turns = first.visit.starts_at < second.visit.starts_at
    same = first.crew == second.crew
    for way in first.ways():
        for other_way in second.beside(first, way).ways():
            # The same people exchange nothing but whom they serve first.
            if not same or (other_way.start < way.start) == turns:
                return [(first, way), (second, other_way)]
    if same:
        raise NotSwappable("Neither keeps its promise in the other's place.")
    raise second.refused(Reason.BUSY)


def _write(found: list[tuple[_Side, Placement]]) -> None:
    """Write both. In between they may overlap, at the end they must not.

    Raises:
        SlotUnavailable: the database refused a double booking.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS technician_is_in_one_place DEFERRED")
        for side, way in found:
            occupy(side.visit, wish=side.wish, way=way)
            side.visit.status = Status.SCHEDULED
        with on_breach("technician_is_in_one_place", double_booked()):
            cursor.execute("SET CONSTRAINTS technician_is_in_one_place IMMEDIATE")
