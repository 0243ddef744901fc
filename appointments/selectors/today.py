"""What a dispatcher asks in the morning: which visits come, and which need a hand?

"Today" is the local day of the branch: at one moment it may be Tuesday in one and
still Monday in another.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
)

from appointments.models import Assignment
from appointments.models.visits import AppointmentQuerySet
from appointments.rules.states import NOT_THERE, OPEN
from appointments.selectors.visits import visits_with_people
from core.actors import Actor
from core.models import Location
from core.walltime import day_start, local_date

# A branch, and from when until when; None is open.
Span = tuple[Location, datetime | None, datetime | None]


def on_local_days(
    *, locations: Iterable[Location], now: datetime, first: int = 0, days: int = 1
) -> Q:
    """Return the condition: begins on `days` local days, from today + `first` on."""
    return _any_of(
        _span(location, _today(location, now) + timedelta(days=first), days=days)
        for location in locations
    )


def in_local_week(*, locations: Iterable[Location], now: datetime) -> Q:
    """Return the condition: begins in the local week, Monday to Sunday."""
    spans = []
    for location in locations:
        today = _today(location, now)
        monday = today - timedelta(days=today.weekday())
        spans.append(_span(location, monday, days=7))
    return _any_of(spans)


def from_local_day(*, locations: Iterable[Location], now: datetime) -> Q:
    """Return the condition: begins on the local day or later."""
    return _any_of(
        _span(location, _today(location, now), days=None) for location in locations
    )


def before_local_day(*, locations: Iterable[Location], now: datetime) -> Q:
    """Return the condition: began before the local day."""
    return _any_of(
        (location, None, day_start(_today(location, now), zone=location.time_zone))
        for location in locations
    )


def _today(location: Location, now: datetime) -> date:
    return local_date(now, zone=location.time_zone)


def _span(location: Location, day: date, *, days: int | None) -> Span:
    since = day_start(day, zone=location.time_zone)
    if days is None:
        return location, since, None
    until = day_start(day + timedelta(days=days), zone=location.time_zone)
    return location, since, until


def _any_of(spans: Iterable[Span]) -> Q:
    """Return the condition: begins in one of these branches' spans.

    The span around all of them comes first: with it the list is read from one end of
    an index, instead of from the beginning of time.
    """
    branches = list(spans)
    if not branches:
        return Q(pk__in=[])
    parts = [
        Q(location=place) & _begins(since, until) for place, since, until in branches
    ]
    starts = [since for _, since, _ in branches if since]
    ends = [until for _, _, until in branches if until]
    around = _begins(min(starts, default=None), max(ends, default=None))
    return around & reduce(or_, parts)


def _begins(since: datetime | None, until: datetime | None) -> Q:
    wanted = Q()
    if since is not None:
        wanted &= Q(starts_at__gte=since)
    if until is not None:
        wanted &= Q(starts_at__lt=until)
    return wanted


def is_late(*, now: datetime) -> Q:
    """Return the condition: the promised window has passed and nobody is there."""
    return Q(status__in=NOT_THERE, window_ends_at__lte=now)


def nobody_on_it() -> Q:
    """Return the condition: open, and no technician's time is taken for it."""
    taken = Assignment.objects.holding().filter(appointment=OuterRef("pk"))
    return Q(~Exists(taken), status__in=OPEN)


def needs_a_hand(
    *, actor: Actor, locations: Iterable[Location], now: datetime
) -> AppointmentQuerySet:
    """Return today's and tomorrow's visits that are late or lack a technician.

    The late ones first; `is_late` tells which they are.
    """
    near = on_local_days(locations=locations, now=now, days=2)
    late = is_late(now=now)
    return (
        visits_with_people(actor=actor)
        .filter(near)
        .filter(late | nobody_on_it())
        .annotate(is_late=ExpressionWrapper(late, output_field=BooleanField()))
        .order_by(F("is_late").desc(), "starts_at", "pk")
    )


def coming_up(
    *, actor: Actor, locations: Iterable[Location], now: datetime
) -> AppointmentQuerySet:
    """Return today's visits where somebody is still to arrive, the next first."""
    return (
        visits_with_people(actor=actor)
        .filter(on_local_days(locations=locations, now=now))
        .filter(status__in=NOT_THERE, window_ends_at__gt=now)
        .order_by("starts_at", "pk")
    )
