"""How a visit goes: its steps in order, with their times and people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.rules.states import Status, Step
from config.demo.data.words import CANCELLATIONS, INCOMPLETE, NO_SHOWS
from config.demo.diary import PlannedVisit
from config.demo.dice import Dice
from core.actors import ANONYMOUS, Actor
from core.walltime import local_date, recurring_instant

_MINUTE = timedelta(minutes=1)
_DISPATCH_TIME = time(6, 40)
_LONG_ENOUGH_TO_PAUSE = timedelta(minutes=45)
_PAUSED_SHARE = 0.08
_MOVED_SHARE = 0.06


class Ending(StrEnum):
    """What becomes of a visit, once its time has come."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    UNASSIGNED = "unassigned"
    DECLINED = "declined"


_BEFORE_WORK = frozenset({Ending.CANCELLED, Ending.UNASSIGNED, Ending.DECLINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who acts at a branch. Technicians without a login act under their name."""

    dispatcher: Actor
    technicians: Mapping[UUID, Actor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step: what happened, to what it led, and who did it."""

    at: datetime
    event: str
    actor: Actor
    status: Status = Status.SCHEDULED
    step: Step = Step.ASSIGNED
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A visit's steps, also those that have not come yet.

    `moved_by` says how much earlier than first promised it takes place.
    """

    moments: list[Moment]
    ending: Ending
    moved_by: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a script plays. `free_since` is the end of the work before it."""

    people: People
    zone: ZoneInfo
    dice: Dice
    now: datetime
    free_since: datetime | None


def write_script(visit: PlannedVisit, *, ending: Ending, setting: Setting) -> Script:
    """Return how that visit goes."""
    moved = ending is Ending.COMPLETED and setting.dice.chance(_MOVED_SHARE)
    dispatcher = setting.people.dispatcher
    moments = [
        Moment(
            at=visit.asked_at,
            event="appointment.booked",
            actor=dispatcher if visit.by_phone else ANONYMOUS,
        )
    ]
    if moved:
        moments.append(
            Moment(
                at=_between_asked_and_start(visit, setting),
                event="appointment.rescheduled",
                actor=dispatcher,
                reason="An earlier time came free.",
            )
        )
    if ending in _BEFORE_WORK:
        moments.append(_drop(visit, ending, setting))
    else:
        moments.extend(_work(visit, ending, setting))
    return Script(
        moments=moments,
        ending=ending,
        moved_by=timedelta(days=7) if moved else None,
    )


def _drop(visit: PlannedVisit, ending: Ending, setting: Setting) -> Moment:
    """Return how the visit, or its technician, was lost before the work began."""
    at = _between_asked_and_start(visit, setting)
    people = setting.people
    if ending is Ending.CANCELLED:
        return Moment(
            at=at,
            event="appointment.cancelled",
            actor=people.dispatcher,
            status=Status.CANCELLED,
            reason=setting.dice.choice(CANCELLATIONS),
        )
    if ending is Ending.UNASSIGNED:
        return Moment(
            at=at,
            event="appointment.unassigned",
            actor=people.dispatcher,
            reason="Technician reported sick.",
        )
    return Moment(
        at=at,
        event="appointment.status_changed",
        actor=people.technicians[visit.technician_id],
        step=Step.DECLINED,
        reason="No lift on the van that day.",
    )


def _between_asked_and_start(visit: PlannedVisit, setting: Setting) -> datetime:
    """Return a moment after the booking that leaves the service its notice."""
    notice = visit.offer.plan.notice * _MINUTE
    latest = min(visit.start - notice, setting.now)
    return visit.asked_at + setting.dice.between(timedelta(), latest - visit.asked_at)


def _work(visit: PlannedVisit, ending: Ending, setting: Setting) -> Iterator[Moment]:
    """Yield the day itself: sent out, under way, on site, and how it ended.

    The way begins after the work before, and the work ends within its plan: nobody
    is seen in two places.
    """
    dice, people = setting.dice, setting.people
    technician = people.technicians[visit.technician_id]
    leaves = _leaves_at(visit, setting)
    arrives = max(
        leaves + dice.between(6 * _MINUTE, 12 * _MINUTE),
        visit.start - dice.between(timedelta(), 2 * _MINUTE),
    )
    ends = visit.start + visit.offer.plan.duration * _MINUTE
    sent_out = _dispatched_at(visit, setting.zone, leaves)
    yield _step(people.dispatcher, sent_out, Step.DISPATCHED)
    yield _step(technician, leaves, Step.EN_ROUTE)
    yield _step(technician, arrives, Step.ON_SITE)
    if ending is Ending.NO_SHOW:
        gives_up = min(arrives + 20 * _MINUTE, ends)
        yield _end(technician, gives_up, Status.NO_SHOW, dice.choice(NO_SHOWS))
    elif ending is Ending.INCOMPLETE:
        yield _end(technician, ends, Status.INCOMPLETE, dice.choice(INCOMPLETE))
    else:
        if ends - arrives > _LONG_ENOUGH_TO_PAUSE and dice.chance(_PAUSED_SHARE):
            yield _step(technician, arrives + 15 * _MINUTE, Step.PAUSED)
            yield _step(technician, arrives + 25 * _MINUTE, Step.ON_SITE)
        done_at = ends - dice.between(timedelta(), 9 * _MINUTE)
        yield _step(technician, done_at, Step.DONE)


def _leaves_at(visit: PlannedVisit, setting: Setting) -> datetime:
    """Return when the technician sets out for it."""
    leaves = visit.start - setting.dice.between(10 * _MINUTE, 25 * _MINUTE)
    if setting.free_since is None:
        return leaves
    return max(leaves, setting.free_since + _MINUTE)


def _dispatched_at(visit: PlannedVisit, zone: ZoneInfo, leaves: datetime) -> datetime:
    """Return when the visit was sent out: in the morning, or soon after booking."""
    day = local_date(visit.start, zone=zone)
    morning = recurring_instant(day, _DISPATCH_TIME, zone=zone)
    return min(max(morning, visit.asked_at + 4 * _MINUTE), leaves - _MINUTE)


_STATUS_AFTER = {
    Step.DISPATCHED: Status.DISPATCHED,
    Step.EN_ROUTE: Status.EN_ROUTE,
    Step.ON_SITE: Status.ON_SITE,
    Step.PAUSED: Status.PAUSED,
    Step.DONE: Status.COMPLETED,
}


def _step(actor: Actor, at: datetime, step: Step) -> Moment:
    return Moment(
        at=at,
        event="appointment.status_changed",
        actor=actor,
        status=_STATUS_AFTER[step],
        step=step,
    )


def _end(actor: Actor, at: datetime, status: Status, reason: str) -> Moment:
    return Moment(
        at=at,
        event="appointment.status_changed",
        actor=actor,
        status=status,
        step=Step.ON_SITE,
        reason=reason,
    )
