"""How much of a cap is taken."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from appointments.models import Appointment, Hold
from appointments.rules.slots import Branch, CapState
from appointments.rules.states import Status
from core.walltime import day_bounds

# Neither of these will be, or is yet, a visit of that day.
_NOT_COUNTED = (Status.CANCELLED, Status.REQUESTED)


def with_taken(
    caps: Sequence[CapState],
    *,
    branch: Branch,
    days: Collection[date],
    now: datetime,
    own: Collection[UUID] = (),
) -> tuple[CapState, ...]:
    """Return the caps with what each of the local days has taken: two queries.

    Visits count on the day of their promise, and holds while they last; `own` ones
    do not.
    """
    if not caps:
        return ()
    start, _ = day_bounds(min(days), zone=branch.zone)
    _, end = day_bounds(max(days), zone=branch.zone)
    visits = Appointment.objects.exclude(status__in=_NOT_COUNTED)
    holds = Hold.objects.filter(expires_at__gt=now)
    taken: list[dict[date, int]] = [{} for _ in caps]
    queries: list[QuerySet[Appointment] | QuerySet[Hold]] = [visits, holds]
    for query in queries:
        of_the_days = query.filter(
            location=branch.id, window_starts_at__gte=start, window_starts_at__lt=end
        ).exclude(pk__in=own)
        counts = {f"cap_{n}": _count(cap) for n, cap in enumerate(caps)}
        day = TruncDate("window_starts_at", tzinfo=branch.zone)
        by_day = of_the_days.annotate(day=day).values("day").annotate(**counts)
        for on, *counted in by_day.values_list("day", *counts):
            for number, count in enumerate(counted):
                taken[number][on] = taken[number].get(on, 0) + count
    return tuple(
        replace(cap, taken=counts) for cap, counts in zip(caps, taken, strict=True)
    )


def _count(cap: CapState) -> Count:
    counted = Q()
    if cap.service_id is not None:
        counted &= Q(service=cap.service_id)
    if cap.zone_id is not None:
        counted &= Q(zone=cap.zone_id)
    return Count("pk", filter=counted)
