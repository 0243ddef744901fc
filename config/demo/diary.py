"""Plan a fortnight of visits by the rules of booking themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from appointments.rules import slots
from appointments.rules.slots import (
    Promise,
    Span,
    Stop,
    Terms,
    Wish,
    Worker,
    to_minute,
    to_moment,
)
from appointments.selectors import capacity
from appointments.selectors.roster import current_roster
from config.demo.company import Branch, Offer
from config.demo.customers import Household
from config.demo.dice import Dice
from core.travel import Place, place_at
from core.walltime import day_bounds, local_date, recurring_instant

PAST_DAYS = 7
COMING_DAYS = 7
# How full a day is planned: what was asked for and finds no place is left out.
_PAST_FILL = 0.95
_COMING_FILL = (0.92, 0.72)  # tomorrow, and a week from now
_TRIES = 6
_CANCELLED_SHARE = 0.06
_ASKED_AHEAD = timedelta(days=9)
_URGENT_AHEAD = timedelta(hours=3)
_ONLINE_SHARE = 0.1
_DESK_OPENS, _DESK_CLOSES = 8, 17


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """A visit that the rules allow, asked for at `asked_at`."""

    household: Household
    offer: Offer
    promise: Promise
    start: datetime
    technician_id: UUID
    asked_at: datetime
    by_phone: bool
    is_cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A service with its terms, as the rules read it."""

    offer: Offer
    terms: Terms


class Diary:
    """A branch's calendar while it fills."""

    def __init__(
        self, *, branch: Branch, households: Sequence[Household], dice: Dice
    ) -> None:
        self._branch = branch
        self._rules = current_roster(day=date.max).branches[branch.location.pk]
        self._households = list(households)
        self._dice = dice
        self._busy: dict[UUID, list[Stop]] = {}

    def fill(self, jobs: Sequence[Job], *, now: datetime) -> Iterator[PlannedVisit]:
        """Yield the visits of the fortnight around `now`."""
        today = local_date(now, zone=self._rules.zone)
        longest = max(jobs, key=lambda job: job.terms.duration).terms
        for offset in range(-PAST_DAYS, COMING_DAYS + 1):
            day = today + timedelta(days=offset)
            workers = self._workers_on(day, longest=longest, now=now)
            room = _fill_of(offset) * self._room(workers, day)
            for job in self._demand(jobs, room):
                visit = self._try(job, workers, day=day, now=now)
                if visit is not None:
                    yield visit

    def _workers_on(
        self, day: date, *, longest: Terms, now: datetime
    ) -> dict[UUID, Worker]:
        wish = self._wish(longest, zone_id=None, now=now)
        return {
            key: replace(worker, stops=sorted(self._busy.get(key, ())))
            for key, worker in capacity.workers_for(wish=wish, days=[day]).items()
        }

    def _room(self, workers: Mapping[UUID, Worker], day: date) -> int:
        """Return the regular working minutes of a day, without those who are away."""
        start, end = map(to_minute, day_bounds(day, zone=self._rules.zone))
        bounds = Span(start, end)
        shifts = (
            shift.end - shift.start
            for worker in workers.values()
            if not any(away.overlaps(bounds) for away in worker.time_off)
            for shift in worker.shifts
            if not shift.is_on_call and start <= shift.start < end
        )
        return sum(shifts)

    def _demand(self, jobs: Sequence[Job], room: float) -> list[Job]:
        """Return jobs that fill the room, the longest first.

        Long jobs need whole days: whoever asks last finds none.
        """
        shares = {n: float(job.offer.plan.share) for n, job in enumerate(jobs)}
        wanted: list[Job] = []
        while room > 0:
            job = jobs[self._dice.pick(shares)]
            room -= job.terms.before + job.terms.duration + job.terms.after
            wanted.append(job)
        return sorted(wanted, key=lambda job: job.terms.duration, reverse=True)

    def _try(
        self, job: Job, workers: dict[UUID, Worker], *, day: date, now: datetime
    ) -> PlannedVisit | None:
        """Find a customer, a promise and a technician for a job, or give up."""
        for household in self._dice.some(self._households, at_most=_TRIES):
            wish = self._wish(
                job.terms, zone_id=household.zone.pk, now=now, place=_place(household)
            )
            promises = list(slots.promises_on(wish, day))
            if not promises:
                return None
            promise = self._dice.choice(promises)
            asked_at, by_phone = self._asked(job, promise, now=now)
            ways = slots.placements(replace(wish, now=asked_at), workers, promise)
            if ways:
                self._households.remove(household)
                visit = PlannedVisit(
                    household=household,
                    offer=job.offer,
                    promise=promise,
                    start=to_moment(ways[0].start),
                    technician_id=ways[0].technicians[0],
                    asked_at=asked_at,
                    by_phone=by_phone,
                    is_cancelled=self._dice.chance(_CANCELLED_SHARE),
                )
                self._take(visit, job.terms, workers)
                return visit
        return None

    def _take(
        self, visit: PlannedVisit, terms: Terms, workers: dict[UUID, Worker]
    ) -> None:
        """Keep the technician's time, unless the visit is called off in the end."""
        if visit.is_cancelled:
            return
        key = visit.technician_id
        start = to_minute(visit.start)
        taken = slots.occupied_by(terms, Span(start, start + terms.duration))
        stop = slots.stop(
            to_moment(taken.start),
            to_moment(taken.end),
            owner=visit.household.property.pk,
            place=_place(visit.household),
        )
        self._busy.setdefault(key, []).append(stop)
        workers[key] = replace(workers[key], stops=sorted(self._busy[key]))

    def _asked(
        self, job: Job, promise: Promise, *, now: datetime
    ) -> tuple[datetime, bool]:
        """Return when it was booked, early enough, and whether by telephone."""
        is_urgent = job.terms.is_emergency
        ahead = self._dice.between(
            timedelta(minutes=10), _URGENT_AHEAD if is_urgent else _ASKED_AHEAD
        )
        latest = now - self._dice.between(timedelta(minutes=3), timedelta(hours=5))
        notice = timedelta(minutes=job.terms.notice)
        asked_at = min(promise.starts_at - notice - ahead, latest)
        is_public = job.offer.plan.public
        if is_public and not is_urgent and self._dice.chance(_ONLINE_SHARE):
            return asked_at, False
        return asked_at if is_urgent else self._in_desk_hours(asked_at), True

    def _in_desk_hours(self, moment: datetime) -> datetime:
        """Return the latest time not after `moment` at which calls are answered."""
        wall = moment.astimezone(self._rules.zone)
        if _DESK_OPENS <= wall.hour < _DESK_CLOSES:
            return moment
        day = wall.date() - timedelta(days=1 if wall.hour < _DESK_OPENS else 0)
        at = time(self._dice.randrange(_DESK_OPENS, _DESK_CLOSES), wall.minute)
        return recurring_instant(day, at, zone=self._rules.zone)

    def _wish(
        self,
        terms: Terms,
        *,
        zone_id: UUID | None,
        now: datetime,
        place: Place | None = None,
    ) -> Wish:
        return Wish(
            terms=terms, branch=self._rules, zone_id=zone_id, now=now, place=place
        )


def jobs_of(offers: Iterable[Offer]) -> list[Job]:
    """Return the services that are asked for all the time, with their terms."""
    terms = current_roster(day=date.max).terms
    return [
        Job(offer=offer, terms=terms[offer.service.pk])
        for offer in offers
        if offer.plan.share
    ]


def _place(household: Household) -> Place | None:
    return place_at(household.property.latitude, household.property.longitude)


def _fill_of(offset: int) -> float:
    """Return how full a day is, counted from today."""
    if offset <= 0:
        return _PAST_FILL
    first, last = _COMING_FILL
    return first + (last - first) * (offset - 1) / (COMING_DAYS - 1)
