"""Open the periods that come within the horizon, and book their visits.

Whatever runs twice books once: the database knows each period of a plan by its key,
and whoever books one holds the lock of the plan's row. Runs share the work: what one
is at, the others pass over.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.rules.plans import Period, PlanState
from appointments.selectors import plans
from appointments.services.plans.attempts import Outcome, attempt
from appointments.services.plans.record import unlocked_plan_of
from core.actors import SYSTEM
from core.db import retry_contention
from core.errors import Unavailable

# Plans looked through in one transaction.
_BATCH = 200


def generate(
    *,
    now: datetime,
    until: date | None = None,
    untried_since: datetime | None = None,
    most: int | None = None,
    through: Callable[[Sequence[UUID]], Iterable[UUID]] = iter,
) -> Counter[Outcome]:
    """Open what comes within the horizon, and try to book all that waits.

    `until` is the last day on which a period may begin. Each occurrence is a
    transaction of its own. With `untried_since` those tried later are left in peace,
    and no more than `most` are tried. `through` may watch them pass by.

    Emits:
        plan.occurrence_booked, plan.occurrence_conflict, plan.occurrence_skipped
    """
    outcomes: Counter[Outcome] = Counter()
    outcomes[Outcome.OPENED] = open_periods(now=now, until=until)
    waiting = plans.waiting_ids(until=until, untried_since=untried_since, most=most)
    for occurrence_id in through(waiting):
        outcomes[_try(occurrence_id, now=now)] += 1
    return outcomes


def open_periods(*, now: datetime, until: date | None = None) -> int:
    """Write down each period that has come within the horizon; return how many."""
    active = MaintenancePlan.objects.filter(state=PlanState.ACTIVE)
    ids = list(active.order_by("pk").values_list("pk", flat=True))
    return sum(
        _open(ids[first : first + _BATCH], now=now, until=until)
        for first in range(0, len(ids), _BATCH)
    )


def unopened_periods(
    *, now: datetime, until: date | None = None
) -> list[PlanOccurrence]:
    """Return what `open_periods` would write down, unsaved."""
    active = MaintenancePlan.objects.filter(state=PlanState.ACTIVE)
    return _missing(plans.with_parts(active), now=now, until=until)


@transaction.atomic
def _open(plan_ids: Sequence[UUID], *, now: datetime, until: date | None) -> int:
    """Open the missing periods of these plans, but for those somebody is at."""
    locked = MaintenancePlan.objects.filter(
        pk__in=plan_ids, state=PlanState.ACTIVE
    ).select_for_update(no_key=True, skip_locked=True, of=("self",))
    missing = _missing(plans.with_parts(locked), now=now, until=until)
    # A season that changed its name may meet a period that it already had under the
    # old one: the database refuses that, and there is nothing to do.
    PlanOccurrence.objects.bulk_create(missing, ignore_conflicts=True)
    return PlanOccurrence.objects.filter(pk__in=[each.pk for each in missing]).count()


def _missing(
    found: Iterable[MaintenancePlan], *, now: datetime, until: date | None
) -> list[PlanOccurrence]:
    known_plans = list(found)
    since = now.date() - timedelta(days=2)  # zones lie up to a day apart
    known = defaultdict(set)
    for plan_id, period in PlanOccurrence.objects.filter(
        plan__in=known_plans, last_day__gte=since
    ).values_list("plan_id", "period"):
        known[plan_id].add(period)
    return [
        _occurrence(plan, period)
        for plan in known_plans
        for period in plans.periods_in_sight(plan, now=now, until=until)
        if period.key not in known[plan.pk]
    ]


def _occurrence(plan: MaintenancePlan, period: Period) -> PlanOccurrence:
    return PlanOccurrence(
        plan=plan,
        period=period.key,
        first_day=period.first_day,
        last_day=period.last_day,
        weekday=period.season.weekday,
        starts=period.season.starts,
    )


def _try(occurrence_id: UUID, *, now: datetime) -> Outcome:
    """Try to book one occurrence; bad luck with locks leaves it to the next run."""
    try:
        return retry_contention(lambda: _book_if_free(occurrence_id, now=now))
    except Unavailable:
        return Outcome.ELSEWHERE


@transaction.atomic
def _book_if_free(occurrence_id: UUID, *, now: datetime) -> Outcome:
    plan = unlocked_plan_of(occurrence_id)
    if plan is None:
        return Outcome.ELSEWHERE
    # Only now, under the lock: another run may have booked it a moment ago.
    occurrence = PlanOccurrence.objects.waiting().filter(pk=occurrence_id).first()
    if occurrence is None:
        return Outcome.ELSEWHERE
    occurrence.plan = plan
    return attempt(occurrence, actor=SYSTEM, now=now)
