"""The one predicate: may this start be promised, and can this technician keep it?

Everything that offers, books, moves, assigns or imports a visit asks here (R8), so
that a slot offered is a slot that can be booked. All is pure: the caller loads the
facts, and passes `now` in. Instants are aware datetimes in UTC; intervals are
half-open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from core.walltime import day_bounds, local_date, recurring_instant
from technicians.rules.shifts import ShiftInterval

# Work starts on quarter hours counted from the opening of the day.
GRID = timedelta(minutes=15)
# A visit booked by exact start promises that minute.
EXACT_PROMISE = timedelta(minutes=1)

ON_CALL = "on_call"


class Reason(StrEnum):
    """Why a start is refused."""

    NOTICE = "notice"
    HORIZON = "horizon"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    OFF_GRID = "off_grid"
    INACTIVE = "inactive"
    NO_SKILL = "no_skill"
    OUT_OF_ZONE = "out_of_zone"
    OFF_SHIFT = "off_shift"
    TIME_OFF = "time_off"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service asks for and how it is promised."""

    duration: timedelta
    before: timedelta
    after: timedelta
    window: timedelta | None  # None: booked by exact start
    notice: timedelta
    horizon_days: int
    skills: frozenset[UUID]
    is_emergency: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """When a location lets work begin. `hours` maps a weekday to its wall times."""

    id: UUID
    zone: ZoneInfo
    hours: Mapping[int, tuple[time, time]]
    holidays: frozenset[date]


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end)."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A technician as the predicate sees one: skills, zones, and a calendar.

    `busy` holds occupied intervals, buffers included, of other visits.
    """

    id: UUID
    is_active: bool
    skills: Mapping[UUID, date | None]
    zones: frozenset[UUID]
    shifts: tuple[ShiftInterval, ...]
    time_off: tuple[Interval, ...]
    busy: tuple[Interval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A visit that somebody would like: what, where and asked when."""

    terms: Terms
    branch: Branch
    zone_id: UUID | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the customer is told: the technician arrives within [start, end)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A way to keep a promise: this technician, work from this start."""

    technician_id: UUID
    start: datetime
    load: timedelta


def work_of(terms: Terms, start: datetime) -> Interval:
    """Return the time spent on site."""
    return Interval(start, start + terms.duration)


def occupied_by(terms: Terms, start: datetime) -> Interval:
    """Return what a visit takes of a technician's day: the work and its buffers."""
    return Interval(start - terms.before, start + terms.duration + terms.after)


# --- May it be promised? ------------------------------------------------------


def promises_on(wish: Wish, day: date) -> Iterator[Promise]:
    """Yield what can be promised on a local day, capacity aside.

    Arrival windows (or exact starts) follow each other from the opening of the
    branch until it closes. Emergencies know no closing time.
    """
    opening = _opening(wish, day)
    if opening is None:
        return
    step = wish.terms.window or GRID
    length = wish.terms.window or EXACT_PROMISE
    start = opening.start
    while start < opening.end:
        yield Promise(start=start, end=start + length)
        start += step


def promise_at(wish: Wish, start: datetime) -> Promise | Reason:
    """Return the promise that begins at `start`, or why there is none."""
    day = local_date(start, zone=wish.branch.zone)
    if day in wish.branch.holidays:
        return Reason.HOLIDAY
    opening = _opening(wish, day)
    if opening is None or not opening.start <= start < opening.end:
        return Reason.CLOSED
    for promise in promises_on(wish, day):
        if promise.start == start:
            return promise
    return Reason.OFF_GRID


def promise_refusal(wish: Wish, promise: Promise) -> Reason | None:
    """Return why nobody may promise this now, or None."""
    zone = wish.branch.zone
    day = local_date(promise.start, zone=zone)
    if day in wish.branch.holidays:
        return Reason.HOLIDAY
    last_day = local_date(wish.now, zone=zone) + timedelta(wish.terms.horizon_days)
    if day > last_day:
        return Reason.HORIZON
    if not any(True for _ in work_starts(wish, promise)):
        return Reason.NOTICE
    return None


def work_starts(
    wish: Wish, promise: Promise, *, notice_too: bool = True
) -> Iterator[datetime]:
    """Yield the starts of work that keep the promise and the service's notice."""
    earliest = wish.now + wish.terms.notice
    start = promise.start
    while start < promise.end:
        if start >= earliest or not notice_too:
            yield start
        start += GRID


def _opening(wish: Wish, day: date) -> Interval | None:
    """Return when work may begin on a local day."""
    if wish.terms.is_emergency:
        return Interval(*day_bounds(day, zone=wish.branch.zone))
    hours = wish.branch.hours.get(day.weekday())
    if hours is None:
        return None
    opens, closes = hours
    return Interval(
        recurring_instant(day, opens, zone=wish.branch.zone),
        recurring_instant(day, closes, zone=wish.branch.zone),
    )


# --- Can this technician keep it? ---------------------------------------------


def technician_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return why this technician cannot begin this work at `start`, or None (R7)."""
    return fitness_refusal(wish, worker, start) or calendar_refusal(wish, worker, start)


def fitness_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return why the technician is not the one for it on that day, or None."""
    if not worker.is_active:
        return Reason.INACTIVE
    day = local_date(start, zone=wish.branch.zone)
    for skill in wish.terms.skills:
        if skill not in worker.skills:
            return Reason.NO_SKILL
        valid_until = worker.skills[skill]
        if valid_until is not None and valid_until < day:
            return Reason.NO_SKILL
    if worker.zones and wish.zone_id not in worker.zones:
        return Reason.OUT_OF_ZONE
    return None


def calendar_refusal(wish: Wish, worker: Worker, start: datetime) -> Reason | None:
    """Return what stands in the technician's calendar against it, or None.

    The work itself must lie inside one shift at the branch (R6) and outside of any
    absence; the buffers count between visits only (R4).
    """
    work = work_of(wish.terms, start)
    if not any(_serves(shift, wish, work) for shift in worker.shifts):
        return Reason.OFF_SHIFT
    if any(absence.overlaps(work) for absence in worker.time_off):
        return Reason.TIME_OFF
    occupied = occupied_by(wish.terms, start)
    if any(visit.overlaps(occupied) for visit in worker.busy):
        return Reason.BUSY
    return None


def _serves(shift: ShiftInterval, wish: Wish, work: Interval) -> bool:
    """Tell whether the shift is at the branch, of the right kind, and long enough."""
    return (
        shift.starts_at <= work.start
        and work.end <= shift.ends_at
        and shift.location_id == wish.branch.id
        and (shift.kind != ON_CALL or wish.terms.is_emergency)
    )


# --- Both together ------------------------------------------------------------


def placement(wish: Wish, worker: Worker, promise: Promise) -> Placement | None:
    """Return the earliest way in which this technician keeps the promise, or None."""
    for start in work_starts(wish, promise):
        if technician_refusal(wish, worker, start) is None:
            return Placement(
                technician_id=worker.id, start=start, load=_load(wish, worker, start)
            )
    return None


def why_not(wish: Wish, worker: Worker, promise: Promise) -> Reason | None:
    """Return why this technician cannot keep the promise, or None; the closest miss.

    Notice aside: that is for the promise to answer.
    """
    starts = work_starts(wish, promise, notice_too=False)
    reasons = {technician_refusal(wish, worker, start) for start in starts}
    if None in reasons:
        return None
    return next(reason for reason in _CLOSEST_FIRST if reason in reasons)


def placements(
    wish: Wish, workers: Mapping[UUID, Worker], promise: Promise
) -> list[Placement]:
    """Return every technician who can keep the promise, the least busy first."""
    if promise_refusal(wish, promise) is not None:
        return []
    found = (placement(wish, worker, promise) for worker in workers.values())
    return sorted(
        (way for way in found if way is not None),
        key=lambda way: (way.load, way.start, way.technician_id),
    )


def offers(
    wish: Wish, workers: Mapping[UUID, Worker], days: Iterator[date]
) -> Iterator[tuple[Promise, list[Placement]]]:
    """Yield each promise that somebody can keep, with the ways to keep it."""
    for day in days:
        span = _reach(wish, day)
        on_that_day = {id_: during(worker, span) for id_, worker in workers.items()}
        for promise in promises_on(wish, day):
            ways = placements(wish, on_that_day, promise)
            if ways:
                yield promise, ways


def during(worker: Worker, span: Interval) -> Worker:
    """Return the worker with a calendar cut down to what touches `span`."""
    return replace(
        worker,
        shifts=tuple(
            shift
            for shift in worker.shifts
            if shift.starts_at < span.end and span.start < shift.ends_at
        ),
        time_off=tuple(away for away in worker.time_off if away.overlaps(span)),
        busy=tuple(visit for visit in worker.busy if visit.overlaps(span)),
    )


def _reach(wish: Wish, day: date) -> Interval:
    """Return all that a visit promised for that local day can touch."""
    start, end = day_bounds(day, zone=wish.branch.zone)
    terms = wish.terms
    longest = (terms.window or timedelta()) + terms.duration + terms.after
    return Interval(start - terms.before, end + longest)


def common_refusal(
    wish: Wish, workers: Mapping[UUID, Worker], promise: Promise
) -> Reason:
    """Return the one reason to name when no technician can keep the promise.

    The closest miss: where somebody is merely busy, that is what a caller can act on.
    """
    reasons = {why_not(wish, worker, promise) for worker in workers.values()}
    return next((r for r in _CLOSEST_FIRST if r in reasons), Reason.OFF_SHIFT)


_CLOSEST_FIRST = (
    Reason.BUSY,
    Reason.TIME_OFF,
    Reason.OFF_SHIFT,
    Reason.OUT_OF_ZONE,
    Reason.NO_SKILL,
    Reason.INACTIVE,
)


def _load(wish: Wish, worker: Worker, start: datetime) -> timedelta:
    """Return how much of that local day is already taken."""
    day = Interval(
        *day_bounds(local_date(start, zone=wish.branch.zone), zone=wish.branch.zone)
    )
    taken = (
        min(visit.end, day.end) - max(visit.start, day.start)
        for visit in worker.busy
        if visit.overlaps(day)
    )
    return sum(taken, timedelta())
