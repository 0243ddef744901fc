"""How much of a cap is taken."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
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
    """Return the caps with what each of the local days has taken: one query.

    Visits count on the day of their promise, and holds while they last; `own` ones
    do not. It is one query so that a hold which becomes a visit meanwhile is seen as
    the one or the other, never as neither.
    """
    if not caps:
        return ()
    start, _ = day_bounds(min(days), zone=branch.zone)
    _, end = day_bounds(max(days), zone=branch.zone)
    visits: QuerySet[Any] = Appointment.objects.exclude(status__in=_NOT_COUNTED)
    holds: QuerySet[Any] = Hold.objects.filter(expires_at__gt=now)
    taken: list[dict[date, int]] = [{} for _ in caps]
    rows = [
        _by_day(
            query.filter(
                location=branch.id,
                window_starts_at__gte=start,
                window_starts_at__lt=end,
            ).exclude(pk__in=own),
            caps=caps,
            branch=branch,
        )
        for query in (visits, holds)
    ]
    for on, *counted in rows[0].union(rows[1], all=True):
        for number, count in enumerate(counted):
            taken[number][on] = taken[number].get(on, 0) + count
    return tuple(
        replace(cap, taken=counts) for cap, counts in zip(caps, taken, strict=True)
    )


def _by_day(
    query: QuerySet[Any], *, caps: Sequence[CapState], branch: Branch
) -> QuerySet[Any, Any]:
    """Return rows of a local day and what counts for each cap."""
    counts = {f"cap_{n}": _count(cap) for n, cap in enumerate(caps)}
    day = TruncDate("window_starts_at", tzinfo=branch.zone)
    by_day = query.annotate(day=day).values("day").annotate(**counts)
    rows: QuerySet[Any, Any] = by_day.values_list("day", *counts)
    return rows


def _count(cap: CapState) -> Count:
    counted = Q()
    if cap.service_id is not None:
        counted &= Q(service=cap.service_id)
    if cap.zone_id is not None:
        counted &= Q(zone=cap.zone_id)
    return Count("pk", filter=counted)
