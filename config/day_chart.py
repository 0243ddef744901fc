"""The crew's day as a chart: who is on what, hour by hour, and how full each is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from appointments.models import Assignment
from appointments.selectors.crew_days import CrewDay
from core.admin.display import clock, length_text
from core.intervals import Interval
from core.models import Location
from technicians.models import ShiftKind

_HOUR = timedelta(hours=1)
_MOST_MARKS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of a technician's day, in minutes from the left edge of the chart."""

    left: int
    width: int
    kind: str
    title: str
    url_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One technician's line in the chart."""

    name: str
    id: str
    load: str
    percent: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The crew of a branch, hour by hour; `off` are those without any work."""

    width: int
    hours: list[tuple[int, str]]
    now: int | None
    rows: list[Row]
    off: list[Row]


def chart_of(crew: list[CrewDay], *, branch: Location, now: datetime) -> Chart:
    """Return the crew's day from the first full hour of work to the last."""
    left, right = _edges(crew)
    zone = branch.time_zone
    hours = int((right - left) / _HOUR)
    rows = [_row(one, edges=Interval(left, right)) for one in crew]
    step = 1 if hours <= _MOST_MARKS else 2
    marks = [left + n * _HOUR for n in range(0, hours + 1, step)]
    return Chart(
        width=_minutes(left, right),
        hours=[
            (_minutes(left, mark), f"{mark.astimezone(zone):%I %p}".lstrip("0"))
            for mark in marks
        ],
        now=_minutes(left, now) if left <= now <= right else None,
        rows=[row for row in rows if row.bars],
        off=[row for row in rows if not row.bars],
    )


def _edges(crew: list[CrewDay]) -> tuple[datetime, datetime]:
    """Return the span that shows all of the day's regular work, in full hours."""
    day_ = crew[0].day
    spans = [
        Interval(max(span.start, day_.start), min(span.end, day_.end))
        for one in crew
        for span in _spans(one)
    ]
    first = min((span.start for span in spans), default=day_.start + 7 * _HOUR)
    last = max((span.end for span in spans), default=day_.start + 18 * _HOUR)
    whole = first.replace(minute=0, second=0, microsecond=0)
    hours = -((whole - last) // _HOUR)  # rounded up
    return whole, whole + hours * _HOUR


def _spans(one: CrewDay) -> list[Interval]:
    visits = [row.work for row in one.visits]
    shifts = [
        Interval(shift.starts_at, shift.ends_at)
        for shift in one.shifts
        if shift.kind != ShiftKind.ON_CALL
    ]
    return visits + shifts


def _row(one: CrewDay, *, edges: Interval) -> Row:
    load = one.load
    bars = [
        *(
            _bar(
                Interval(shift.starts_at, shift.ends_at),
                edges=edges,
                kind="on-call" if shift.kind == ShiftKind.ON_CALL else "shift",
                title="On call" if shift.kind == ShiftKind.ON_CALL else "Shift",
            )
            for shift in one.shifts
        ),
        *(_bar(away, edges=edges, kind="away", title="Away") for away in one.away),
        *(_visit_bar(row, one=one, edges=edges) for row in one.visits),
    ]
    return Row(
        name=one.technician.name,
        id=str(one.technician.pk),
        load=(
            f"{length_text(load.booked_minutes)} of {length_text(load.shift_minutes)}"
            if load.shift_minutes
            else length_text(load.booked_minutes)
        ),
        percent=load.percent,
        bars=[bar for bar in bars if bar.width > 0],
    )


def _visit_bar(row: Assignment, *, one: CrewDay, edges: Interval) -> Bar:
    visit = row.visit
    zone = one.technician.location.time_zone
    status = visit.get_status_display()
    return _bar(
        row.work,
        edges=edges,
        kind=f"status-{visit.status}",
        title=(
            f"{clock(row.work.start, zone=zone)} {visit.service.name}, "
            f"{visit.customer.name} ({status})"
        ),
        url_id=str(visit.pk),
    )


def _bar(
    span: Interval, *, edges: Interval, kind: str, title: str, url_id: str = ""
) -> Bar:
    start, end = max(span.start, edges.start), min(span.end, edges.end)
    return Bar(
        left=_minutes(edges.start, start),
        width=_minutes(start, end),
        kind=kind,
        title=title,
        url_id=url_id,
    )


def _minutes(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds()) // 60
