"""Which days a plan's visits are due on, and which offer suits best: no database."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appointments.rules.plans import (
    LONGEST_DAYS,
    SHORTEST_DAYS,
    MonthDay,
    Offer,
    Season,
    Tolerance,
    Wished,
    by_merit,
    periods_between,
    seasons_fault,
    suits,
)

NEW_YORK = ZoneInfo("America/New_York")
LISBON = ZoneInfo("Europe/Lisbon")
EVER: dict[str, Any] = {"valid_from": date(2000, 1, 1), "valid_until": None}
MONDAY, TUESDAY, SUNDAY = 0, 1, 6


def season(key="spring", first=(3, 1), last=(4, 30), *, weekday=TUESDAY, starts=8):
    return Season(
        key=key,
        first=MonthDay(*first),
        last=MonthDay(*last),
        weekday=weekday,
        starts=time(starts),
    )


SPRING, FALL = season(), season("fall", (9, 15), (11, 15))


def days_of(*seasons, first, last, **validity):
    periods = periods_between(seasons, first, last, **EVER | validity)
    return [(each.key, each.first_day, each.last_day) for each in periods]


def test_each_year_brings_one_period_a_season() -> None:
    found = days_of(FALL, SPRING, first=date(2027, 1, 1), last=date(2028, 5, 1))

    assert found == [
        ("2027-spring", date(2027, 3, 1), date(2027, 4, 30)),
        ("2027-fall", date(2027, 9, 15), date(2027, 11, 15)),
        ("2028-spring", date(2028, 3, 1), date(2028, 4, 30)),
    ]


def test_a_period_that_has_begun_or_not_ended_counts() -> None:
    assert days_of(SPRING, first=date(2027, 4, 30), last=date(2027, 5, 9))
    assert days_of(SPRING, first=date(2027, 2, 1), last=date(2027, 3, 1))
    assert not days_of(SPRING, first=date(2027, 5, 1), last=date(2028, 2, 29))


def test_a_winter_belongs_to_the_year_it_begins_in() -> None:
    winter = season("winter", (12, 1), (1, 31))

    found = days_of(winter, first=date(2028, 1, 1), last=date(2028, 1, 2))

    assert found == [("2027-winter", date(2027, 12, 1), date(2028, 1, 31))]


def test_leap_day_ends_a_period_on_the_last_of_february() -> None:
    late = season("late", (2, 1), (2, 29))

    found = days_of(late, first=date(2027, 2, 1), last=date(2028, 2, 1))

    assert [last for _, _, last in found] == [date(2027, 2, 28), date(2028, 2, 29)]


def test_leap_day_begins_a_period_on_the_first_of_march() -> None:
    leap = season("leap", (2, 29), (4, 1))

    found = days_of(leap, first=date(2027, 3, 1), last=date(2028, 3, 1))

    assert [first for _, first, _ in found] == [date(2027, 3, 1), date(2028, 2, 29)]


def test_a_period_is_cut_to_the_validity_of_the_plan() -> None:
    found = days_of(
        SPRING,
        FALL,
        first=date(2027, 1, 1),
        last=date(2028, 12, 31),
        valid_from=date(2027, 4, 20),
        valid_until=date(2027, 9, 20),
    )

    assert found == [
        ("2027-spring", date(2027, 4, 20), date(2027, 4, 30)),
        ("2027-fall", date(2027, 9, 15), date(2027, 9, 20)),
    ]


@pytest.mark.parametrize(
    "seasons",
    [
        [],
        [season(str(n), (n, 1), (n, 20)) for n in range(1, 6)],
        [SPRING, SPRING],
        [season(first=(3, 1), last=(3, 6))],  # six days
        [season(first=(3, 1), last=(2, 10))],  # most of a year
        [SPRING, season("late", (4, 30), (6, 1))],
        [season("winter", (12, 1), (1, 31)), season("new", (1, 31), (3, 1))],
        [season("a", (2, 1), (2, 29)), season("b", (2, 29), (4, 1))],
    ],
)
def test_seasons_that_cannot_be_are_named(seasons) -> None:
    assert seasons_fault(seasons)


def test_seasons_that_touch_do_not_overlap() -> None:
    assert not seasons_fault(
        [season("a", (2, 1), (2, 28)), season("b", (2, 29), (4, 1))]
    )
    assert not seasons_fault([SPRING, season("next", (5, 1), (6, 1)), FALL])
    # Feb 29 ends the one in every fourth year; the other begins the day after.
    assert not seasons_fault(
        [season("a", (2, 1), (2, 29)), season("b", (3, 1), (4, 1))]
    )


@st.composite
def some_seasons(draw):
    """Draw 1 to 4 seasons one after the other, from any day of a leap year on."""
    day, found = draw(st.dates(date(2028, 1, 1), date(2028, 12, 31))), []
    for n in range(draw(st.integers(1, 4))):
        last = day + timedelta(draw(st.integers(8, 60)))
        found.append(season(f"s{n}", (day.month, day.day), (last.month, last.day)))
        day = last + timedelta(draw(st.integers(1, 30)))
    return found


some_days = st.dates(date(2001, 1, 1), date(2080, 1, 1))


@given(some_seasons())
def test_seasons_one_after_the_other_are_no_fault(seasons) -> None:
    assert seasons_fault(seasons) is None


@given(some_seasons(), some_days, st.integers(0, 2500))
def test_periods_never_overlap_nor_repeat(seasons, first, days) -> None:
    found = periods_between(seasons, first, first + timedelta(days), **EVER)

    assert len({each.key for each in found}) == len(found)
    assert all(a.last_day < b.first_day for a, b in pairwise(found))
    assert all(SHORTEST_DAYS <= each.days <= LONGEST_DAYS for each in found)


@given(some_seasons(), some_days)
def test_looking_day_by_day_finds_what_looking_once_does(seasons, first) -> None:
    days = [first + timedelta(n) for n in range(400)]

    by_day = {p for day in days for p in periods_between(seasons, day, day, **EVER)}

    assert by_day == set(periods_between(seasons, days[0], days[-1], **EVER))


# --- Which offer suits best ----------------------------------------------------

# 2027-03-02 is a Tuesday. In New York the clock jumps on March 14th.
TUE, WED, NEXT_TUE = date(2027, 3, 2), date(2027, 3, 3), date(2027, 3, 9)
AFTER_JUMP = date(2027, 3, 16)
WISHED = Wished(
    first_day=date(2027, 3, 1),
    last_day=date(2027, 4, 30),
    weekday=TUESDAY,
    starts=time(8),
    zone=NEW_YORK,
)


def offer(day: date, hour: int, *, minutes: int = 120, by_preferred: bool = False):
    start = datetime.combine(day, time(hour), tzinfo=NEW_YORK).astimezone(UTC)
    return Offer(day, start, start + timedelta(minutes=minutes), by_preferred)


def chosen(*offers, tolerance=Tolerance.ANY, sees_all=True):
    """Return the best offer if the plan may take it."""
    first = by_merit(offers, WISHED)[0]
    given = {"wished": WISHED, "tolerance": tolerance, "sees_all": sees_all}
    return first if suits(first, **given) else None


def test_the_wish_comes_before_all_else() -> None:
    wish = offer(NEXT_TUE, 8)

    assert chosen(offer(TUE, 10), offer(WED, 8), wish) == wish


def test_a_window_that_holds_the_wished_time_keeps_it() -> None:
    window = offer(TUE, 7)

    assert chosen(offer(TUE, 9), window, tolerance=Tolerance.EXACT) == window
    assert chosen(offer(TUE, 6), tolerance=Tolerance.EXACT) is None


def test_the_time_on_another_day_comes_before_another_time() -> None:
    other_day = offer(date(2027, 4, 30), 8)

    assert chosen(offer(TUE, 10), other_day) == other_day


def test_of_equals_the_nearest_is_taken() -> None:
    assert chosen(offer(NEXT_TUE, 8), offer(TUE, 8)) == offer(TUE, 8)
    assert chosen(offer(TUE, 14), offer(TUE, 10)) == offer(TUE, 10)
    assert chosen(offer(NEXT_TUE, 10), offer(TUE, 14)) == offer(TUE, 14)


def test_the_preferred_technician_decides_among_equals_only() -> None:
    later = offer(NEXT_TUE, 8, by_preferred=True)

    assert chosen(offer(TUE, 8), later) == later
    assert chosen(offer(TUE, 8), offer(WED, 8, by_preferred=True)) == offer(TUE, 8)


@pytest.mark.parametrize(
    ("tolerance", "taken"),
    [
        (Tolerance.EXACT, []),
        (Tolerance.SAME_TIME, [WED]),
        (Tolerance.ANY, [WED]),
    ],
)
def test_no_more_is_taken_than_is_tolerated(tolerance, taken) -> None:
    found = chosen(offer(TUE, 10), offer(WED, 8), tolerance=tolerance)

    assert [each.day for each in [found] if each] == taken


def test_only_the_wish_is_taken_while_better_may_come() -> None:
    assert chosen(offer(TUE, 10), offer(WED, 8), sees_all=False) is None
    assert chosen(offer(TUE, 8), sees_all=False) == offer(TUE, 8)


def test_wall_time_is_kept_over_the_jump_of_the_clock() -> None:
    before, after = offer(NEXT_TUE, 8), offer(AFTER_JUMP, 8)

    # 08:00 is 13:00 UTC in winter and 12:00 UTC in summer.
    assert (before.starts_at.hour, after.starts_at.hour) == (13, 12)
    assert chosen(after, tolerance=Tolerance.EXACT) == after


def test_a_time_that_the_clock_skips_is_read_before_the_jump() -> None:
    # 02:30 does not exist on March 14th: the rule strikes at 07:30 UTC, 03:30 EDT.
    jump = date(2027, 3, 14)
    wished = Wished(
        first_day=jump, last_day=jump, weekday=SUNDAY, starts=time(2, 30), zone=NEW_YORK
    )

    assert wished.start == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_is_its_first() -> None:
    # On October 31st 2027 Lisbon shows 01:30 at 00:30 UTC and again at 01:30 UTC.
    night = date(2027, 10, 31)
    wished = Wished(
        first_day=night, last_day=night, weekday=SUNDAY, starts=time(1, 30), zone=LISBON
    )
    first = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    hour = timedelta(hours=1)
    offers = [
        Offer(night, at, at + timedelta(minutes=1)) for at in (first + hour, first)
    ]

    taken = by_merit(offers, wished)[0]

    assert taken == offers[1]


def test_where_no_wished_weekday_is_left_the_first_day_is_nearest() -> None:
    wished = Wished(
        first_day=WED,
        last_day=date(2027, 3, 8),
        weekday=TUESDAY,
        starts=time(8),
        zone=NEW_YORK,
    )

    assert wished.day == WED
