"""Questions about maintenance plans: what is due, and when it could be booked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet

from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.models.plans import MaintenancePlanQuerySet, PlanOccurrenceQuerySet
from appointments.rules import slots
from appointments.rules.plans import (
    Offer,
    Period,
    Tolerance,
    Wished,
    by_merit,
    periods_between,
    suits,
)
from appointments.rules.slots import Reason, Wish, to_minute, to_moment
from appointments.selectors import capacity
from core.actors import Actor
from core.walltime import local_date

MOST_ALTERNATIVES = 5

# Reasons beside those of the slot engine.
SERVICE_INACTIVE = "service_inactive"
BRANCH_INACTIVE = "branch_inactive"
PERIOD_OVER = "period_over"
BEYOND_TOLERANCE = "beyond_tolerance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the generator would do now with an occurrence.

    Book the offer; without one there is a conflict for this reason; without either
    it waits, since better times may still come within the horizon.
    """

    offer: Offer | None = None
    reason: str = ""
    alternatives: Sequence[Offer] = ()


def plans_with_all(*, actor: Actor) -> MaintenancePlanQuerySet:
    """Return the plans that the actor may see, with all that an answer shows."""
    return with_parts(MaintenancePlan.objects.visible_to(actor))


def with_parts(plans: MaintenancePlanQuerySet) -> MaintenancePlanQuerySet:
    """Return the plans with all that belongs to them."""
    return plans.select_related(
        "location", "service", "customer", "property__customer", "technician"
    ).prefetch_related("seasons")


def plans_needing_attention(*, actor: Actor) -> MaintenancePlanQuerySet:
    """Return the plans of one's branches that wait for a dispatcher."""
    return MaintenancePlan.objects.visible_to(actor).needing_attention()


def occurrences_of(*, plan_id: UUID, actor: Actor) -> QuerySet[PlanOccurrence]:
    """Return what became of a plan's periods, as far as the actor may see it."""
    return PlanOccurrence.objects.filter(
        plan=plan_id, plan__in=MaintenancePlan.objects.visible_to(actor)
    ).select_related("plan__location", "appointment")


def waiting_occurrences(*, until: date | None = None) -> PlanOccurrenceQuerySet:
    """Return the occurrences that a visit is to be booked for, long untried first."""
    found = PlanOccurrence.objects.waiting()
    if until is not None:
        found = found.filter(first_day__lte=until)
    return found.select_related(
        "plan__location", "plan__service", "plan__property", "plan__technician"
    ).order_by(F("tried_at").asc(nulls_first=True), "first_day", "pk")


def waiting_ids(
    *,
    until: date | None = None,
    untried_since: datetime | None = None,
    most: int | None = None,
) -> list[UUID]:
    """Return the ids of those that wait and were not tried since, at most so many."""
    found = waiting_occurrences(until=until)
    if untried_since is not None:
        found = found.filter(Q(tried_at=None) | Q(tried_at__lt=untried_since))
    return list(found.values_list("pk", flat=True)[:most])


def periods_in_sight(
    plan: MaintenancePlan, *, now: datetime, until: date | None = None
) -> list[Period]:
    """Return the plan's periods that begin within the horizon and are not over."""
    today, horizon = _sight(plan, now)
    return periods_between(
        [season.rule for season in plan.seasons.all()],
        today,
        horizon if until is None else min(until, horizon),
        valid_from=plan.valid_from,
        valid_until=plan.valid_until,
    )


def choice_for(
    *, plan: MaintenancePlan, occurrence: PlanOccurrence, now: datetime
) -> Choice:
    """Return when the visit would be booked, or why it cannot be.

    The one predicate decides what can be booked; the plan chooses from that.
    """
    today, horizon = _sight(plan, now)
    if occurrence.last_day < today:
        return Choice(reason=PERIOD_OVER)
    if not plan.service.is_active:
        return Choice(reason=SERVICE_INACTIVE)
    if not plan.location.is_active:
        return Choice(reason=BRANCH_INACTIVE)
    if occurrence.first_day > horizon:
        return Choice()
    while True:
        try:
            return _choice(plan, occurrence, now=now, horizon=horizon)
        except capacity.RosterChanged:
            continue


def _sight(plan: MaintenancePlan, now: datetime) -> tuple[date, date]:
    """Return today and the last day that may be booked, by the branch's calendar."""
    today = local_date(now, zone=plan.location.time_zone)
    return today, today + timedelta(days=plan.service.horizon_days)


def _choice(
    plan: MaintenancePlan, occurrence: PlanOccurrence, *, now: datetime, horizon: date
) -> Choice:
    wish = _wish(plan, now)
    earliest = local_date(to_moment(wish.earliest), zone=wish.branch.zone)
    wished = Wished(
        first_day=max(occurrence.first_day, earliest),
        last_day=occurrence.last_day,
        weekday=occurrence.weekday,
        starts=occurrence.starts,
        zone=wish.branch.zone,
    )
    if wished.first_day > wished.last_day:
        return Choice(reason=Reason.NOTICE)
    offers = by_merit(_offers(plan, wish, wished, horizon), wished)
    tolerance = Tolerance(plan.tolerance)
    sees_all = occurrence.last_day <= horizon
    if offers and suits(
        offers[0], wished=wished, tolerance=tolerance, sees_all=sees_all
    ):
        return Choice(offer=offers[0])
    if not sees_all:
        return Choice()
    return Choice(
        reason=_why_not(wish, wished), alternatives=offers[:MOST_ALTERNATIVES]
    )


def _wish(plan: MaintenancePlan, now: datetime) -> Wish:
    wish = capacity.wish_for(
        service=plan.service,
        location=plan.location,
        postal_code=plan.property.postal_code,
        address=plan.property,
        now=now,
    )
    if plan.technician_id is None:
        return wish
    return replace(wish, preferred=wish.preferred | {plan.technician_id})


def _offers(
    plan: MaintenancePlan, wish: Wish, wished: Wished, horizon: date
) -> list[Offer]:
    """Return what can be booked within the period, as far as it is in sight."""
    last = min(wished.last_day, horizon)
    days = (last - wished.first_day).days + 1
    if plan.technician_id is None:
        promises = capacity.promises_between(
            wish=wish, first_day=wished.first_day, days=days
        )
        return [Offer(each.day, each.starts_at, each.ends_at) for each in promises]
    found = capacity.slots_between(wish=wish, first_day=wished.first_day, days=days)
    return [
        Offer(
            promise.day,
            promise.starts_at,
            promise.ends_at,
            any(plan.technician_id in way.technicians for way in ways),
        )
        for promise, ways in found
    ]


def _why_not(wish: Wish, wished: Wished) -> str:
    """Return why the visit cannot be at its best time: the closest miss."""
    if wished.weekday not in {None, wished.day.weekday()}:
        return BEYOND_TOLERANCE  # no such day is left in the period
    wish = capacity.with_caps(wish, days=[wished.day])
    start = to_minute(wished.start)
    around = (
        each
        for each in slots.promises_on(wish, wished.day)
        if each.start <= start < each.end
    )
    promise = next(around, None) or slots.promise_at(wish, start)
    if isinstance(promise, Reason):
        return promise
    refusal = slots.promise_refusal(wish, promise)
    if refusal is not None:
        return refusal
    days = capacity.days_around(wish, promise)
    workers = capacity.workers_for(wish=wish, days=days)
    return slots.common_refusal(wish, workers, promise)
