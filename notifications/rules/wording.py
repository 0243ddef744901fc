"""Times as customers read them: by the wall clock of the branch, with its name."""

from datetime import datetime, time, timedelta

# A visit booked by exact start promises one minute.
_EXACT = timedelta(minutes=1)


def arrival_text(starts_at: datetime, ends_at: datetime) -> str:
    """Return the promise [starts_at, ends_at) in words; both in the branch's zone.

    Tuesday, March 2, between 8:00 and 10:00 AM MST.
    """
    day = day_text(starts_at)
    if ends_at - starts_at <= _EXACT:
        return f"{day}, at {_clock(starts_at)} {_half(starts_at)} {_zone(starts_at)}"
    begin, end = _clock(starts_at), f"{_clock(ends_at)} {_half(ends_at)}"
    is_next_day = starts_at.date() != ends_at.date() and ends_at.time() > time.min
    if is_next_day:
        end = f"{end} on {day_text(ends_at)}"
    # On the night when the clock moves, begin and end are of two zones.
    if _zone(starts_at) != _zone(ends_at):
        begin = f"{begin} {_half(starts_at)} {_zone(starts_at)}"
    elif _half(starts_at) != _half(ends_at) or is_next_day:
        begin = f"{begin} {_half(starts_at)}"
    return f"{day}, between {begin} and {end} {_zone(ends_at)}"


def day_text(moment: datetime) -> str:
    """Return the local day: Tuesday, March 2."""
    return f"{moment:%A, %B} {moment.day}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M}"


def _half(moment: datetime) -> str:
    return "AM" if moment.hour < 12 else "PM"  # noqa: PLR2004  # noon


def _zone(moment: datetime) -> str:
    """Return the zone's short name; some have only an offset."""
    name = moment.tzname() or ""
    return f"UTC{name}" if name[:1] in {"+", "-"} else name
