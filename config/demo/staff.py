"""The technicians of Larkspur: what they can, when they work, when they are away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import cycle

from django.db.models import Model

from config.demo.company import Branch, born
from config.demo.copying import copy_in
from config.demo.data import crew
from config.demo.data.branches import EMAIL_DOMAIN
from config.demo.data.services import CERTIFICATES
from config.demo.data.words import FIRST_NAMES, LAST_NAMES
from config.demo.dice import Dice
from core.walltime import day_start, local_date
from technicians.models import (
    ShiftException,
    ShiftKind,
    Skill,
    Technician,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)

_HIRED = timedelta(days=800)
_SUNDAY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A technician in the database, beside what was planned."""

    technician: Technician
    role: crew.Role
    branch: Branch


def hire(
    branch: Branch,
    *,
    roles: Iterable[crew.Role],
    skills: Mapping[str, Skill],
    dice: Dice,
    now: datetime,
) -> list[Hand]:
    """Write a technician for each role, with skills, zones and weekly shifts."""
    hands = [
        Hand(technician=_technician(branch, dice, now), role=role, branch=branch)
        for role in roles
    ]
    today = local_date(now, zone=branch.location.time_zone)
    copy_in([hand.technician for hand in hands])
    copy_in([row for hand in hands for row in _skills(hand, skills, dice, today)])
    copy_in([row for hand in hands for row in _zones(hand, dice)])
    copy_in([row for hand in hands for row in _weekly_shifts(hand)])
    return hands


def vary_weeks(hands: Sequence[Hand], *, dice: Dice, now: datetime) -> None:
    """Write a crew's nights on call, days that differ, and absences."""
    today = local_date(now, zone=hands[0].branch.location.time_zone)
    copy_in(list(_on_call_nights(hands)))
    copy_in(list(_exceptions(hands, dice, today)))
    # The first one is the demo's technician: his week has no holes.
    copy_in([row for hand in hands[1:] for row in _absences(hand, dice, now)])


def _technician(branch: Branch, dice: Dice, now: datetime) -> Technician:
    _, place = dice.choice(branch.places)
    latitude, longitude = place.point_nearby(dice)
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    return Technician(
        id=dice.uuid(now - _HIRED),
        location=branch.location,
        name=f"{first} {last}",
        phone=f"+1{dice.choice(branch.plan.area_codes)}55501{dice.randint(1, 99):02}",
        email=f"{first}.{last}@{EMAIL_DOMAIN}".lower(),
        home_latitude=latitude,
        home_longitude=longitude,
        **born(now - _HIRED),
    )


def _skills(
    hand: Hand, skills: Mapping[str, Skill], dice: Dice, today: date
) -> Iterable[TechnicianSkill]:
    for code in hand.role.skills:
        yield TechnicianSkill(
            technician=hand.technician,
            skill=skills[code],
            valid_until=_valid_until(dice, today) if code in CERTIFICATES else None,
        )


def _valid_until(dice: Dice, today: date) -> date:
    """Return a certificate's last day: now and then it has passed or is near."""
    days = dice.pick({(90, 900): 0.84, (3, 20): 0.12, (-30, -5): 0.04})
    return today + timedelta(days=dice.randint(*days))


def _zones(hand: Hand, dice: Dice) -> Iterable[Model]:
    if hand.role.keeps_to_zone:
        for zone in dice.some(hand.branch.zones, at_most=2):
            yield Technician.zones.through(
                technician_id=hand.technician.pk, zone_id=zone.pk
            )


def _weekly_shifts(hand: Hand) -> Iterable[WeeklyShift]:
    for weekday, day in hand.role.week.items():
        for hours in day:
            yield _shift(hand, weekday, hours, ShiftKind.REGULAR)


def _on_call_nights(hands: Sequence[Hand]) -> Iterable[WeeklyShift]:
    """Share the week's nights, and Sunday's daylight, among those on call."""
    on_call = [hand for hand in hands if hand.role.on_call]
    for weekday, hand in zip(range(7), cycle(on_call), strict=False):
        yield _shift(hand, weekday, crew.NIGHT, ShiftKind.ON_CALL)
        if weekday == _SUNDAY:
            yield _shift(hand, weekday, crew.SUNDAY_DAYLIGHT, ShiftKind.ON_CALL)


def _shift(
    hand: Hand, weekday: int, hours: tuple[int, int], kind: ShiftKind
) -> WeeklyShift:
    starts, ends = hours
    return WeeklyShift(
        technician=hand.technician,
        location=hand.branch.location,
        weekday=weekday,
        starts=_clock(starts),
        ends=_clock(ends),
        kind=kind,
    )


def _clock(minutes: int) -> time:
    return time(*divmod(minutes, 60))


def _exceptions(
    hands: Sequence[Hand], dice: Dice, today: date
) -> Iterable[ShiftException]:
    """Yield a day of training for one, and an extra Saturday for another."""
    trained, extra = dice.sample(hands[1:], 2)
    saturday = today + timedelta(days=(5 - today.weekday()) % 7)
    yield ShiftException(
        technician=trained.technician,
        date=today + timedelta(days=dice.randint(2, 9)),
        reason="Manufacturer's training",
    )
    yield ShiftException(
        technician=extra.technician,
        date=saturday,
        location=extra.branch.location,
        starts=time(8),
        ends=time(14),
        reason="Extra Saturday",
    )


def _absences(hand: Hand, dice: Dice, now: datetime) -> Iterable[TimeOff]:
    """Yield whole days away: some last month, some in the next six weeks."""
    zone = hand.branch.location.time_zone
    today = local_date(now, zone=zone)
    for earliest, latest, probability in ((-28, -4, 0.4), (3, 42, 0.5)):
        if dice.chance(probability):
            first = today + timedelta(days=dice.randint(earliest, latest))
            asked_at = now - dice.between(timedelta(days=30), timedelta(days=60))
            yield TimeOff(
                id=dice.uuid(asked_at),
                technician=hand.technician,
                starts_at=day_start(first, zone=zone),
                ends_at=day_start(first + timedelta(dice.randint(1, 3)), zone=zone),
                reason=dice.choice(crew.TIME_OFF_REASONS),
                **born(asked_at),
            )
