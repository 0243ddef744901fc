"""How full a technician's day is."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.intervals import Interval

_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Minutes of work planned, of the minutes that the shifts offer."""

    booked_minutes: int
    shift_minutes: int

    @property
    def percent(self) -> int:
        """Return the share that is booked; work without a shift is all of it."""
        if not self.shift_minutes:
            return 100 if self.booked_minutes else 0
        return round(100 * self.booked_minutes / self.shift_minutes)


def load_of(
    *,
    day: Interval,
    shifts: Iterable[Interval],
    away: Iterable[Interval],
    work: Iterable[Interval],
) -> Load:
    """Return the load of one day; time away is not offered."""
    offered = [_within(shift, day) for shift in shifts if shift.overlaps(day)]
    absent = list(away)
    free = sum(_minutes(part) for shift in offered for part in _minus(shift, absent))
    planned = sum(_minutes(_within(job, day)) for job in work if job.overlaps(day))
    return Load(booked_minutes=planned, shift_minutes=free)


def _within(interval: Interval, day: Interval) -> Interval:
    return Interval(max(interval.start, day.start), min(interval.end, day.end))


def _minus(interval: Interval, absences: Iterable[Interval]) -> list[Interval]:
    """Return what is left of an interval; absences may overlap each other."""
    left = [interval]
    for absence in absences:
        parts = [
            part
            for piece in left
            for part in (
                Interval(piece.start, min(piece.end, absence.start)),
                Interval(max(piece.start, absence.end), piece.end),
            )
            if part.start < part.end
        ]
        left = parts
    return left


def _minutes(interval: Interval) -> int:
    return int((interval.end - interval.start).total_seconds()) // _MINUTE
