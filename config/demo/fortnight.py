"""A branch's visits of last week, today and the coming week."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from operator import attrgetter
from uuid import UUID

from accounts.models import User
from config.demo.company import Branch, Offer
from config.demo.copying import copy_in
from config.demo.customers import Household
from config.demo.diary import Diary, PlannedVisit, jobs_of
from config.demo.dice import Dice
from config.demo.scripts import Ending, People, Setting, write_script
from config.demo.staff import Hand
from config.demo.stories import Story
from config.demo.wishes import Inquiry, inquiry_behind
from core.actors import Actor, Role

_ENDINGS = {Ending.COMPLETED: 0.92, Ending.INCOMPLETE: 0.04, Ending.NO_SHOW: 0.04}
# So many visits of the next days wait for a technician, in each branch.
_LOST = (Ending.UNASSIGNED, Ending.DECLINED, Ending.UNASSIGNED)
_LOST_WITHIN = (timedelta(days=1), timedelta(days=5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The next visit's number and the next lead's, behind their references."""

    visits: Iterator[int] = field(default_factory=lambda: count(1))
    leads: Iterator[int] = field(default_factory=lambda: count(1))


def live_through(
    branch: Branch,
    *,
    households: Sequence[Household],
    offers: Sequence[Offer],
    people: People,
    numbers: Numbers,
    dice: Dice,
    now: datetime,
) -> Iterator[Story]:
    """Yield a branch's visits with their histories, unwritten."""
    diary = Diary(branch=branch, households=households, dice=dice.fork("diary"))
    plans = list(diary.fill(jobs_of(offers), now=now))
    free_since = _ends_before(plans)
    lost = iter(_LOST)
    for planned in plans:
        setting = Setting(
            people=people,
            zone=branch.location.time_zone,
            dice=dice,
            now=now,
            free_since=free_since.get((planned.technician_id, planned.start)),
        )
        ending = _ending(planned, lost, dice=dice, now=now)
        script = write_script(planned, ending=ending, setting=setting)
        inquiry = None
        if not planned.by_phone:
            inquiry = inquiry_behind(planned, number=next(numbers.leads), dice=dice)
        yield Story(
            planned,
            script,
            number=next(numbers.visits),
            inquiry=inquiry,
            dice=dice,
            now=now,
        )


def _ends_before(
    plans: Iterable[PlannedVisit],
) -> dict[tuple[UUID, datetime], datetime]:
    """Return, by technician and start, when the technician's work before it ends."""
    kept = [visit for visit in plans if not visit.is_cancelled]
    kept.sort(key=lambda visit: (visit.technician_id, visit.start))
    return {
        (visit.technician_id, visit.start): before.start
        + timedelta(minutes=before.offer.plan.duration)
        for before, visit in pairwise(kept)
        if before.technician_id == visit.technician_id
    }


def _ending(
    planned: PlannedVisit, lost: Iterator[Ending], *, dice: Dice, now: datetime
) -> Ending:
    if planned.is_cancelled:
        return Ending.CANCELLED
    soonest, latest = _LOST_WITHIN
    if now + soonest < planned.start < now + latest and dice.chance(0.1):
        return next(lost, Ending.COMPLETED)
    return dice.pick(_ENDINGS)


def people_of(hands: Iterable[Hand], *, dispatcher: Actor) -> People:
    """Return who acts at a branch, as actors."""
    return People(
        dispatcher=dispatcher,
        technicians={
            hand.technician.pk: actor_of(
                hand.technician.user,
                role=Role.TECHNICIAN,
                label=hand.technician.name,
            )
            for hand in hands
        },
    )


def actor_of(user: User | None, *, role: Role, label: str) -> Actor:
    """Return somebody as events name them; not everybody signs in."""
    return Actor(role=role, label=label, user_id=user.pk if user else None)


def write_history(stories: Sequence[Story], inquiries: Sequence[Inquiry]) -> None:
    """Write leads, visits, assignments and, in the order of time, their events."""
    copy_in([inquiry.lead for inquiry in inquiries])
    copy_in([story.visit for story in stories])
    copy_in([story.assignment for story in stories if story.assignment])
    told = [event for story in stories for event in story.events]
    told += [event for inquiry in inquiries for event in inquiry.events]
    copy_in(sorted(told, key=attrgetter("occurred_at")))
