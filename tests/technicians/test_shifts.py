"""Wall-clock shifts become instants; every expected UTC value is worked out by hand.

New York is UTC-5 (EST), and UTC-4 (EDT) from Sunday 2027-03-14 02:00 EST, when
clocks jump to 03:00, until Sunday 2027-11-07 02:00 EDT, when they fall back to 01:00.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from technicians.rules.shifts import (
    ShiftInterval,
    ShiftOverride,
    ShiftRule,
    expand_shifts,
)

ANN, BOB = UUID(int=1), UUID(int=2)
HERE, THERE = UUID(int=10), UUID(int=11)
NEW_YORK = ZoneInfo("America/New_York")

SPRING = date(2027, 3, 14)
AUTUMN = date(2027, 11, 7)
MONDAY = date(2027, 3, 1)


def rule(day: date, starts: time, ends: time, **given) -> ShiftRule:
    """Return a weekly shift of Ann's on the weekday of `day`."""
    fields: dict[str, Any] = {
        "technician_id": ANN,
        "location_id": HERE,
        "weekday": day.weekday(),
        "kind": "regular",
        "valid_from": None,
        "valid_until": None,
    }
    return ShiftRule(starts=starts, ends=ends, **fields | given)


def override(day: date, starts=None, ends=None, **given) -> ShiftOverride:
    fields: dict[str, Any] = {
        "technician_id": ANN,
        "location_id": HERE if starts else None,
        "kind": "regular",
    }
    return ShiftOverride(date=day, starts=starts, ends=ends, **fields | given)


def expand(
    *weekly: ShiftRule, on: list[date], instead=(), zone=NEW_YORK
) -> list[ShiftInterval]:
    return expand_shifts(
        weekly=weekly, exceptions=instead, days=on, zones={HERE: zone, THERE: zone}
    )


def span(shift: ShiftInterval) -> tuple[datetime, datetime]:
    return shift.starts_at, shift.ends_at


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


EIGHT, FIVE = time(8), time(17)
TEN_PM, SIX_AM = time(22), time(6)


@pytest.mark.parametrize(
    ("day", "starts_at", "ends_at"),
    [
        # Friday before spring: EST, so 08:00 is 13:00Z and 17:00 is 22:00Z.
        (date(2027, 3, 12), utc(2027, 3, 12, 13), utc(2027, 3, 12, 22)),
        # Monday after it: EDT, one hour earlier in UTC; nine hours all the same.
        (date(2027, 3, 15), utc(2027, 3, 15, 12), utc(2027, 3, 15, 21)),
        # Friday before autumn (EDT) and Monday after it (EST).
        (date(2027, 11, 5), utc(2027, 11, 5, 12), utc(2027, 11, 5, 21)),
        (date(2027, 11, 8), utc(2027, 11, 8, 13), utc(2027, 11, 8, 22)),
    ],
)
def test_a_day_shift_keeps_its_wall_time_over_the_year(day, starts_at, ends_at) -> None:
    (shift,) = expand(rule(day, EIGHT, FIVE), on=[day])

    assert span(shift) == (starts_at, ends_at)


def test_a_night_shift_ends_on_the_next_day() -> None:
    (shift,) = expand(rule(MONDAY, TEN_PM, SIX_AM), on=[MONDAY])

    # EST: Monday 22:00 is Tuesday 03:00Z, Tuesday 06:00 is 11:00Z.
    assert span(shift) == (utc(2027, 3, 2, 3), utc(2027, 3, 2, 11))


def test_the_night_of_spring_is_an_hour_shorter() -> None:
    saturday = SPRING - timedelta(days=1)

    (shift,) = expand(rule(saturday, TEN_PM, SIX_AM), on=[saturday])

    # Saturday 22:00 EST is Sunday 03:00Z; Sunday 06:00 EDT is 10:00Z: 7 hours.
    assert span(shift) == (utc(2027, 3, 14, 3), utc(2027, 3, 14, 10))
    assert shift.ends_at - shift.starts_at == timedelta(hours=7)


def test_the_night_of_autumn_is_an_hour_longer() -> None:
    saturday = AUTUMN - timedelta(days=1)

    (shift,) = expand(rule(saturday, TEN_PM, SIX_AM), on=[saturday])

    # Saturday 22:00 EDT is Sunday 02:00Z; Sunday 06:00 EST is 11:00Z: 9 hours.
    assert span(shift) == (utc(2027, 11, 7, 2), utc(2027, 11, 7, 11))
    assert shift.ends_at - shift.starts_at == timedelta(hours=9)


def test_a_start_that_the_clock_skips_is_read_with_the_offset_before() -> None:
    (shift,) = expand(rule(SPRING, time(2, 30), time(5)), on=[SPRING])

    # 02:30 is skipped: read as EST it is 07:30Z, which clocks show as 03:30 EDT.
    # 05:00 EDT is 09:00Z.
    assert span(shift) == (utc(2027, 3, 14, 7, 30), utc(2027, 3, 14, 9))


def test_a_shift_inside_the_skipped_hour_is_as_long_as_it_says() -> None:
    (shift,) = expand(rule(SPRING, time(2), time(2, 30)), on=[SPRING])

    # Both read as EST: 07:00Z to 07:30Z, that is 03:00 to 03:30 EDT.
    assert span(shift) == (utc(2027, 3, 14, 7), utc(2027, 3, 14, 7, 30))


def test_a_shift_that_the_jump_leaves_nothing_of_is_none() -> None:
    # 02:30 as EST is 07:30Z; 03:15 EDT is 07:15Z: it would end before it starts.
    assert not expand(rule(SPRING, time(2, 30), time(3, 15)), on=[SPRING])


def test_a_time_that_happens_twice_is_its_first_occurrence() -> None:
    (shift,) = expand(rule(AUTUMN, time(1, 30), time(3)), on=[AUTUMN])

    # First 01:30 is EDT, 05:30Z; 03:00 is EST, 08:00Z: two and a half hours.
    assert span(shift) == (utc(2027, 11, 7, 5, 30), utc(2027, 11, 7, 8))


@pytest.mark.parametrize(
    ("zone", "starts_at", "ends_at"),
    [
        # Kolkata is UTC+5:30 all year: 08:00 is 02:30Z, 17:00 is 11:30Z.
        ("Asia/Kolkata", utc(2027, 3, 1, 2, 30), utc(2027, 3, 1, 11, 30)),
        # Adelaide in March is UTC+10:30 (ACDT): 08:00 is 21:30Z the day before.
        ("Australia/Adelaide", utc(2027, 2, 28, 21, 30), utc(2027, 3, 1, 6, 30)),
    ],
)
def test_half_hour_zones(zone, starts_at, ends_at) -> None:
    (shift,) = expand(rule(MONDAY, EIGHT, FIVE), on=[MONDAY], zone=ZoneInfo(zone))

    assert span(shift) == (starts_at, ends_at)


def test_adelaides_night_of_change_is_an_hour_longer() -> None:
    # ACDT (+10:30) ends on Sunday 2027-04-04 at 03:00, back to 02:00 ACST (+9:30).
    saturday = date(2027, 4, 3)

    (shift,) = expand(
        rule(saturday, TEN_PM, SIX_AM),
        on=[saturday],
        zone=ZoneInfo("Australia/Adelaide"),
    )

    # Saturday 22:00 ACDT is 11:30Z; Sunday 06:00 ACST is Saturday 20:30Z: 9 hours.
    assert span(shift) == (utc(2027, 4, 3, 11, 30), utc(2027, 4, 3, 20, 30))


def test_each_shift_is_read_by_the_clock_of_its_own_location() -> None:
    shifts = expand_shifts(
        weekly=[
            rule(MONDAY, EIGHT, FIVE),
            rule(MONDAY, EIGHT, FIVE, location_id=THERE, technician_id=BOB),
        ],
        exceptions=[],
        days=[MONDAY],
        zones={HERE: NEW_YORK, THERE: ZoneInfo("America/Phoenix")},
    )

    # Phoenix is UTC-7 all year: 08:00 is 15:00Z.
    assert [shift.starts_at for shift in shifts] == [
        utc(2027, 3, 1, 13),
        utc(2027, 3, 1, 15),
    ]


def test_a_shift_that_ends_when_it_starts_takes_a_whole_day() -> None:
    (shift,) = expand(rule(MONDAY, EIGHT, EIGHT), on=[MONDAY])

    assert span(shift) == (utc(2027, 3, 1, 13), utc(2027, 3, 2, 13))


def test_a_rule_strikes_only_on_its_weekday() -> None:
    week = [MONDAY + timedelta(days=n) for n in range(7)]

    (shift,) = expand(rule(MONDAY + timedelta(days=2), EIGHT, FIVE), on=week)

    assert shift.starts_at.date() == date(2027, 3, 3)


def test_both_ends_of_a_rules_validity_count() -> None:
    mondays = [MONDAY + timedelta(weeks=n) for n in range(4)]
    bounded = rule(MONDAY, EIGHT, FIVE, valid_from=mondays[1], valid_until=mondays[2])

    shifts = expand(bounded, on=mondays)

    assert [shift.starts_at.date() for shift in shifts] == mondays[1:3]


def test_an_exception_replaces_all_of_the_days_shifts() -> None:
    weekly = [
        rule(MONDAY, EIGHT, time(12)),
        rule(MONDAY, time(13), FIVE),
        rule(MONDAY, TEN_PM, SIX_AM, kind="on_call"),
    ]

    (shift,) = expand(
        *weekly, on=[MONDAY], instead=[override(MONDAY, time(10), time(14))]
    )

    assert span(shift) == (utc(2027, 3, 1, 15), utc(2027, 3, 1, 19))


def test_several_exceptions_make_several_shifts() -> None:
    shifts = expand(
        rule(MONDAY, EIGHT, FIVE),
        on=[MONDAY],
        instead=[
            override(MONDAY, time(9), time(10)),
            override(MONDAY, time(18), time(20), kind="on_call"),
        ],
    )

    assert [shift.kind for shift in shifts] == ["regular", "on_call"]


def test_an_exception_without_times_is_a_day_off() -> None:
    tuesday = MONDAY + timedelta(days=1)
    weekly = [rule(MONDAY, EIGHT, FIVE), rule(tuesday, EIGHT, FIVE)]

    (shift,) = expand(*weekly, on=[MONDAY, tuesday], instead=[override(MONDAY)])

    assert shift.starts_at.date() == tuesday


def test_an_exception_concerns_one_technician() -> None:
    weekly = [
        rule(MONDAY, EIGHT, FIVE),
        rule(MONDAY, EIGHT, FIVE, technician_id=BOB),
    ]

    (shift,) = expand(*weekly, on=[MONDAY], instead=[override(MONDAY)])

    assert shift.technician_id == BOB


def test_an_exception_can_be_at_another_branch_and_over_midnight() -> None:
    (shift,) = expand(
        on=[MONDAY], instead=[override(MONDAY, TEN_PM, SIX_AM, location_id=THERE)]
    )

    assert shift.location_id == THERE
    assert span(shift) == (utc(2027, 3, 2, 3), utc(2027, 3, 2, 11))


def test_shifts_come_in_order_of_their_start() -> None:
    week = [MONDAY + timedelta(days=n) for n in range(6, -1, -1)]
    daily = [rule(day, EIGHT, FIVE) for day in week]

    starts = [shift.starts_at for shift in expand(*daily, on=week)]

    assert starts == sorted(starts)
    assert len(starts) == 7
