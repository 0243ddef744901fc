"""How each branch's days stand: counts, revenue and load, from two queries.

Whatever the size: the figures are kept by triggers (`BranchDay`), what shifts offer
comes from the roster in the process, and only what is late is counted, by the clock.
A day is the local day of the branch: at one moment it may be Tuesday in one and still
Monday in another.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from appointments.rules.load import Load
from appointments.rules.states import NOT_THERE, UNDER_WAY, Status
from appointments.selectors.offered import offered_minutes
from appointments.selectors.roster import Roster, current_roster, known_roster
from core.actors import Actor
from core.walltime import day_bounds

# Nothing will be paid for these, or nobody has agreed to it yet.
_NO_REVENUE = frozenset(
    {Status.HELD, Status.REQUESTED, Status.CANCELLED, Status.NO_SHOW}
)


@dataclass(slots=True)
class Revenue:
    """What a day's visits bring, in minor units of one currency."""

    booked: int = 0
    done: int = 0


@dataclass(slots=True, kw_only=True)
class DayFigures:
    """How one local day of a branch stands.

    Minutes are technicians' time with its buffers: planned, worked, and what the
    shifts offer.
    """

    day: date
    by_status: dict[Status, int] = field(default_factory=lambda: defaultdict(int))
    unassigned: int = 0
    late: int = 0
    revenue: dict[str, Revenue] = field(default_factory=lambda: defaultdict(Revenue))
    planned_minutes: int = 0
    worked_minutes: int = 0
    shift_minutes: int = 0

    @property
    def visits(self) -> int:
        """All but those called off."""
        return sum(self.by_status.values()) - self.by_status.get(Status.CANCELLED, 0)

    @property
    def done(self) -> int:
        return self.by_status.get(Status.COMPLETED, 0)

    @property
    def under_way(self) -> int:
        return sum(self.by_status.get(status, 0) for status in UNDER_WAY)

    @property
    def is_anybody_awaited(self) -> bool:
        """Tell whether there are visits where nobody is yet."""
        return any(self.by_status.get(status) for status in NOT_THERE)

    @property
    def load(self) -> Load:
        return Load(
            booked_minutes=self.planned_minutes + self.worked_minutes,
            shift_minutes=self.shift_minutes,
        )

    def add(self, entry: "_Entry") -> None:
        """Count what the account says of one status and currency."""
        self.planned_minutes += entry.planned_minutes
        self.worked_minutes += entry.worked_minutes
        if not entry.status:  # technicians' time
            return
        status = Status(entry.status)
        self.unassigned += entry.unassigned
        if entry.visits:
            self.by_status[status] += entry.visits
        if entry.price_cents and status not in _NO_REVENUE:
            revenue = self.revenue[entry.currency]
            revenue.booked += entry.price_cents
            revenue.done += entry.price_cents if status is Status.COMPLETED else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchFigures:
    """A branch, and its days in order."""

    id: UUID
    code: str
    name: str
    zone: ZoneInfo
    days: list[DayFigures]


class _Entry(NamedTuple):
    """A row of the account, with the branch it belongs to."""

    roster_version: UUID | None
    id: UUID
    code: str
    name: str
    time_zone: str
    first: date
    day: date | None  # None, and so all that follows, where no visits are
    status: str
    currency: str
    visits: int
    unassigned: int
    price_cents: int
    planned_minutes: int
    worked_minutes: int


def branch_figures(
    *,
    actor: Actor,
    now: datetime,
    first_day: date | None = None,
    days: int = 1,
    location_id: UUID | None = None,
) -> list[BranchFigures]:
    """Return how the branches that the actor sees stand, by name.

    From `first_day` on, else from each one's own today; of the active ones, or of the
    one asked for. Two queries, unless the roster changed.
    """
    entries = _entries(actor, now, first_day, days, location_id)
    if not entries:
        return []
    branches = [
        _branch(list(own), days=days)
        for _, own in groupby(entries, key=attrgetter("code"))
    ]
    _add_late(branches, now=now)
    _add_shifts(branches, version=entries[0].roster_version)
    return branches


def unassigned_ahead(*, actor: Actor, now: datetime) -> int:
    """Return how many visits of today and later nobody is on."""
    with connection.cursor() as cursor:
        cursor.execute(_UNASSIGNED, {"now": now, "seen": _seen_by(actor)})
        (count,) = cursor.fetchone()
    return int(count)


_UNASSIGNED = """
    SELECT coalesce(sum(unassigned), 0)
    FROM core_location AS branch
    JOIN appointments_branchday AS entry ON entry.location_id = branch.id
     AND day >= (%(now)s::timestamptz AT TIME ZONE branch.time_zone)::date
    WHERE %(seen)s::uuid[] IS NULL OR branch.id = ANY(%(seen)s::uuid[])
"""


def _seen_by(actor: Actor) -> list[UUID] | None:
    return None if actor.location_ids is None else list(actor.location_ids)


def _branch(entries: list[_Entry], *, days: int) -> BranchFigures:
    """Return the branch that these entries are of; each has at least one."""
    any_ = entries[0]
    found = [DayFigures(day=any_.first + timedelta(days=n)) for n in range(days)]
    for entry in entries:
        if entry.day is not None:
            found[(entry.day - any_.first).days].add(entry)
    return BranchFigures(
        id=any_.id,
        code=any_.code,
        name=any_.name,
        zone=ZoneInfo(any_.time_zone),
        days=found,
    )


def _entries(
    actor: Actor,
    now: datetime,
    first_day: date | None,
    days: int,
    location_id: UUID | None,
) -> list[_Entry]:
    with connection.cursor() as cursor:
        cursor.execute(
            _ACCOUNT,
            {
                "first": first_day,
                "now": now,
                "days": days,
                "seen": _seen_by(actor),
                "asked": location_id,
            },
        )
        return [_Entry(*row) for row in cursor.fetchall()]


_ACCOUNT = """
    SELECT (SELECT version FROM appointments_rosterversion),
           branch.id, branch.code, branch.name, branch.time_zone, since.first,
           entry.*
    FROM core_location AS branch
    CROSS JOIN LATERAL (
        SELECT coalesce(
            %(first)s::date, (%(now)s::timestamptz AT TIME ZONE branch.time_zone)::date
        ) AS first
    ) AS since
    LEFT JOIN LATERAL (
        SELECT day, status, currency, sum(visits), sum(unassigned),
               sum(price_cents)::bigint, sum(planned_minutes), sum(worked_minutes)
        FROM appointments_branchday
        WHERE location_id = branch.id
          AND day >= since.first AND day < since.first + %(days)s::int
        GROUP BY day, status, currency
    ) AS entry ON true
    WHERE (%(seen)s::uuid[] IS NULL OR branch.id = ANY(%(seen)s::uuid[]))
      AND CASE WHEN %(asked)s::uuid IS NULL THEN branch.is_active
          ELSE branch.id = %(asked)s::uuid END
    ORDER BY branch.name, branch.id
"""


def _add_late(branches: list[BranchFigures], *, now: datetime) -> None:
    """Count the visits whose promised window has passed with nobody there.

    Only on days for which the account knows of visits where nobody is: an index that
    names the status would make every step of every visit twice as dear.
    """
    due = [
        (branch, figures, since, min(until, now))
        for branch in branches
        for figures in branch.days
        for since, until in [day_bounds(figures.day, zone=branch.zone)]
        if since < now and figures.is_anybody_awaited
    ]
    if not due:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _LATE,
            [
                sorted(NOT_THERE),
                now,
                [branch.id for branch, *_ in due],
                [since for _, _, since, _ in due],
                [until for *_, until in due],
            ],
        )
        counts: list[tuple[int]] = cursor.fetchall()
    for (_, figures, *_), (count,) in zip(due, counts, strict=True):
        figures.late = count


# A promise lasts beyond the start of the work, so what is late has begun by now.
_LATE = """
    SELECT (
        SELECT count(*) FROM appointments_appointment
        WHERE location_id = due.location_id
          AND starts_at >= due.since AND starts_at < due.until
          AND status = ANY(%s::varchar[]) AND window_ends_at <= %s
    )
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS due (location_id, since, until, number)
    ORDER BY due.number
"""


def _add_shifts(branches: list[BranchFigures], *, version: UUID | None) -> None:
    roster = _roster(min(branch.days[0].day for branch in branches), version=version)
    for branch in branches:
        days = [figures.day for figures in branch.days]
        offered = offered_minutes(roster, location_id=branch.id, days=days)
        for figures, minutes in zip(branch.days, offered, strict=True):
            figures.shift_minutes = minutes


def _roster(day: date, *, version: UUID | None) -> Roster:
    roster = known_roster(day=day)
    return roster if roster.version == version else current_roster(day=day)
