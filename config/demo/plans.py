"""Six customers with a maintenance plan; the generator books what is due."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from appointments.models import MaintenancePlan, PlanSeason
from appointments.rules.plans import Tolerance
from config.demo.company import Offer, born
from config.demo.copying import copy_in
from config.demo.customers import Household
from config.demo.dice import Dice, reference
from config.demo.events import plan_event
from core.actors import Actor
from core.models import Event
from core.walltime import local_date

MONDAY, TUESDAY, WEDNESDAY, SUNDAY = 0, 1, 2, 6
_AGREED = timedelta(days=60), timedelta(days=400)
_RUNS_OUT = timedelta(days=45)

# A name, the first and the last day of the year.
_SPRING = ("spring", (3, 1), (4, 30))
_FALL = ("fall", (9, 1), (10, 31))
_QUARTERS = (
    ("winter", (1, 1), (3, 31)),
    ("spring", (4, 1), (6, 30)),
    ("summer", (7, 1), (9, 30)),
    ("fall", (10, 1), (12, 31)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a customer wants each year."""

    service: str
    seasons: Sequence[tuple[str, tuple[int, int], tuple[int, int]]]
    weekday: int | None
    starts: time
    tolerance: Tolerance = Tolerance.ANY
    runs_out: bool = False


# The last can never be kept: nobody works on Sundays. A dispatcher has to call.
_AGREEMENTS: Mapping[str, Sequence[Agreement]] = {
    "phoenix": (
        Agreement(
            service="heat-pump-tune-up",
            seasons=(_SPRING, _FALL),
            weekday=TUESDAY,
            starts=time(8),
        ),
        Agreement(
            service="filter-change", seasons=_QUARTERS, weekday=None, starts=time(10)
        ),
    ),
    "denver": (
        Agreement(
            service="furnace-tune-up",
            seasons=(_FALL,),
            weekday=WEDNESDAY,
            starts=time(10),
        ),
        Agreement(
            service="filter-change",
            seasons=_QUARTERS,
            weekday=MONDAY,
            starts=time(14),
            tolerance=Tolerance.SAME_TIME,
        ),
    ),
    "dallas": (
        Agreement(
            service="ac-tune-up", seasons=(_SPRING,), weekday=MONDAY, starts=time(14)
        ),
        Agreement(
            service="filter-change",
            seasons=_QUARTERS,
            weekday=SUNDAY,
            starts=time(10),
            tolerance=Tolerance.EXACT,
            runs_out=True,
        ),
    ),
}


def agree(
    *,
    homes: Mapping[str, Sequence[Household]],
    offers: Sequence[Offer],
    dispatchers: Mapping[str, Actor],
    dice: Dice,
    now: datetime,
) -> int:
    """Write the plans of some households; return how many."""
    services = {offer.plan.code: offer.service for offer in offers}
    plans: list[MaintenancePlan] = []
    seasons: list[PlanSeason] = []
    events: list[Event] = []
    for code, agreements in _AGREEMENTS.items():
        households = dice.sample(homes[code], len(agreements))
        for agreement, home in zip(agreements, households, strict=True):
            at = max(now - dice.between(*_AGREED), home.customer.created_at)
            plan = MaintenancePlan(
                id=dice.uuid(at),
                reference=reference("M", len(plans) + 1),
                service=services[agreement.service],
                **_fields(agreement, home, at=at, now=now),
            )
            plans.append(plan)
            seasons += _seasons(plan, agreement)
            events.append(plan_event(plan, at=at, actor=dispatchers[code]))
    copy_in(plans)
    copy_in(seasons)
    copy_in(events)
    return len(plans)


def _fields(
    agreement: Agreement, home: Household, *, at: datetime, now: datetime
) -> dict[str, Any]:
    zone = home.branch.location.time_zone
    runs_out = local_date(now + _RUNS_OUT, zone=zone) if agreement.runs_out else None
    return {
        "location": home.branch.location,
        "customer": home.customer,
        "property": home.property,
        "tolerance": agreement.tolerance,
        "valid_from": local_date(at, zone=zone),
        "valid_until": runs_out,
        **born(at),
    }


def _seasons(plan: MaintenancePlan, agreement: Agreement) -> Iterator[PlanSeason]:
    for key, first, last in agreement.seasons:
        yield PlanSeason(
            plan=plan,
            key=key,
            first_month=first[0],
            first_day=first[1],
            last_month=last[0],
            last_day=last[1],
            weekday=agreement.weekday,
            starts=agreement.starts,
        )
