"""The large scale: the small company, grown to eight branches and two years."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from django.db import transaction

from appointments.models import (
    Appointment,
    Assignment,
    BranchDay,
    Service,
    TechnicianDay,
)
from config.demo.company import (
    Branch,
    born,
    branch_as_stored,
    closed_days,
    found_branch,
    offer_services,
)
from config.demo.copying import copy_in
from config.demo.data import growth
from config.demo.data.branches import GROWTH, SMALL
from config.demo.data.crew import TIME_OFF_REASONS
from config.demo.data.growth import ALL_ROUNDER, LOAD_MIX, QUICK_SERVICES, Volume
from config.demo.data.services import SERVICES
from config.demo.dice import Dice
from config.demo.staff import Hand, hire
from config.demo.volume.almanac import Almanac
from config.demo.volume.bare import analyze, bare
from config.demo.volume.calendar import Post, Task
from config.demo.volume.crowd import Regular, fill_town
from config.demo.volume.town import Job, Town, job_of
from config.progress import Progress
from core.models import Event, Holiday, Location, OpeningHours
from core.walltime import day_start
from leads.models import ContactMethod, Customer, Lead, Property
from technicians.models import Skill, Technician, TechnicianSkill, TimeOff

_FILLED = (Customer, ContactMethod, Property, Lead, Appointment, Assignment, Event)
_COUNTED = (*_FILLED, TechnicianDay, BranchDay)


def is_grown() -> bool:
    """Tell whether the large scale is there already."""
    codes = [plan.code for plan in GROWTH]
    return Location.objects.filter(code__in=codes).exists()


def grow(*, volume: Volume, dice: Dice, now: datetime, progress: Progress) -> None:
    """Let the small company grow: all of it, or nothing."""
    growing = _Growth(volume=volume, dice=dice, now=now, progress=progress)
    with transaction.atomic():
        branches = growing.open_branches()
        jobs = growing.offer()
        posts = growing.hire(branches, jobs)
        with bare(_FILLED, progress=progress):
            towns = growing.settle(branches, posts)
            growing.live(towns, jobs)
    with progress.step("Statistics", total=len(_COUNTED)) as bar:
        for model in _COUNTED:
            analyze(model)
            bar.advance()


class _Growth:
    """The steps of the large scale, which share dice, clock and volume."""

    def __init__(
        self, *, volume: Volume, dice: Dice, now: datetime, progress: Progress
    ) -> None:
        self._volume = volume
        self._dice = dice
        self._now = now
        self._progress = progress

    def open_branches(self) -> list[Branch]:
        """Found the other branches, and have all eight open every day."""
        branches = [branch_as_stored(plan) for plan in SMALL]
        for plan in GROWTH:
            dice = self._dice.fork(plan.code)
            branches.append(found_branch(plan, dice=dice, now=self._now))
        OpeningHours.objects.all().delete()
        copy_in(
            [
                OpeningHours(
                    location=branch.location,
                    weekday=weekday,
                    opens=time(growth.OPENS),
                    closes=time(growth.CLOSES),
                )
                for branch in branches
                for weekday in range(7)
            ]
        )
        past_years = range(self._first_day().year, self._now.year)
        for branch in branches:
            copy_in(list(closed_days(branch.location, years=past_years)))
        return branches

    def offer(self) -> dict[str, Job]:
        """Offer the short jobs too; return all that the crews are asked for."""
        offer_services(
            QUICK_SERVICES,
            skills={},
            dice=self._dice.fork("services"),
            now=self._now,
        )
        services = Service.objects.filter(code__in=LOAD_MIX)
        return {service.code: job_of(service) for service in services}

    def hire(
        self, branches: Sequence[Branch], jobs: dict[str, Job]
    ) -> dict[str, list[Post]]:
        """Bring every branch to its full crew; return the added ones' calendars."""
        skills = {skill.code: skill for skill in Skill.objects.all()}
        per_branch = self._volume.technicians_per_branch
        total = per_branch * len(branches) - Technician.objects.count()
        posts = {}
        with self._progress.step("Technicians", total=total) as bar:
            for branch in branches:
                there = Technician.objects.filter(location=branch.location).count()
                hands = hire(
                    branch,
                    roles=[ALL_ROUNDER] * (per_branch - there),
                    skills=skills,
                    dice=self._dice.fork(f"crew/{branch.plan.code}"),
                    now=self._now,
                )
                posts[branch.plan.code] = [self._post(hand, jobs) for hand in hands]
                bar.advance(len(hands))
        return posts

    def settle(
        self, branches: Sequence[Branch], posts: dict[str, list[Post]]
    ) -> list[Town]:
        """Write the customers around each branch."""
        each = self._volume.customers // len(branches)
        towns = []
        with self._progress.step("Customers", total=each * len(branches)) as bar:
            for position, branch in enumerate(branches):
                regulars: list[Regular] = fill_town(
                    branch,
                    range(position * each, (position + 1) * each),
                    dice=self._dice.fork(f"town/{branch.plan.code}"),
                    now=self._now,
                    bar=bar,
                )
                towns.append(
                    Town(
                        branch=branch, regulars=regulars, posts=posts[branch.plan.code]
                    )
                )
        return towns

    def live(self, towns: Sequence[Town], jobs: dict[str, Job]) -> None:
        """Write the visits of two years."""
        almanac = Almanac(
            volume=self._volume,
            towns=towns,
            jobs=jobs,
            dice=self._dice.fork("visits"),
            now=self._now,
        )
        with self._progress.step("Visits", total=self._volume.visits) as bar:
            for day in almanac.days():
                day.write()
                bar.advance(len(day.visits))

    def _first_day(self) -> date:
        return (self._now - timedelta(days=self._volume.days_back)).date()

    def _post(self, hand: Hand, jobs: dict[str, Job]) -> Post:
        """Return the calendar of a technician, whose absences are written."""
        technician = hand.technician
        absences = list(self._absences(hand))
        copy_in([time_off for time_off, _ in absences])
        closed = Holiday.objects.filter(location=technician.location)
        days_off = {day for _, day in absences} | set(
            closed.values_list("date", flat=True)
        )
        return Post(
            technician_id=technician.pk,
            tasks=self._tasks(technician, jobs),
            days_off=frozenset(days_off),
        )

    def _absences(self, hand: Hand) -> Iterator[tuple[TimeOff, date]]:
        """Yield days away, one in every so many, and each day's date."""
        zone = hand.technician.location.time_zone
        dice = self._dice.fork(f"absences/{hand.technician.pk}")
        length = self._volume.days_back + self._volume.days_ahead
        step = self._volume.days_between_absences
        for offset in range(0, length - step, step):
            day = self._first_day() + timedelta(days=offset + dice.randrange(step))
            asked_at = min(day_start(day, zone=zone) - timedelta(days=30), self._now)
            yield (
                TimeOff(
                    id=dice.uuid(asked_at),
                    technician=hand.technician,
                    starts_at=day_start(day, zone=zone),
                    ends_at=day_start(day + timedelta(days=1), zone=zone),
                    reason=dice.choice(TIME_OFF_REASONS),
                    **born(asked_at),
                ),
                day,
            )

    def _tasks(self, technician: Technician, jobs: dict[str, Job]) -> dict[Task, float]:
        """Return what may be asked of him on every day of the volume."""
        last_day = (self._now + timedelta(days=self._volume.days_ahead + 1)).date()
        lasting = TechnicianSkill.objects.filter(technician=technician).exclude(
            valid_until__lt=last_day
        )
        can = set(lasting.values_list("skill__code", flat=True))
        return {
            jobs[plan.code].task: LOAD_MIX[plan.code]
            for plan in (*SERVICES, *QUICK_SERVICES)
            if plan.code in jobs and can.issuperset(plan.skills)
        }
