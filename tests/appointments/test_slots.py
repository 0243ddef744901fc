"""The predicate, on worlds small enough to compute by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from appointments.rules.slots import (
    Branch,
    Promise,
    Reason,
    Shift,
    Span,
    Stop,
    Terms,
    Wish,
    Worker,
    offers,
    placements,
    promise_at,
    promise_refusal,
    start_refusal,
    stop,
    to_minute,
    to_moment,
)

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2027, 3, 1)
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)  # 04:00 in New York
HOUR = 60
BRANCH_ID = uuid4()

WINDOW = Terms(
    duration=HOUR,
    window=2 * HOUR,
    notice=HOUR,
    horizon_days=30,
)


def clock(hour: int, minute: int = 0, *, day: date = MONDAY) -> datetime:
    """Return that wall time of New York as an instant."""
    return datetime.combine(day, time(hour, minute), tzinfo=NEW_YORK).astimezone(UTC)


def at(hour: int, minute: int = 0, *, day: date = MONDAY) -> int:
    """Return that wall time of New York as the engine counts."""
    return to_minute(clock(hour, minute, day=day))


def visit(start: int, end: int) -> Stop:
    return stop(to_moment(start), to_moment(end), owner=uuid4())


def promise(start: int, end: int, *, day: date = MONDAY) -> Promise:
    return Promise(start, end, day)


def wish(terms: Terms = WINDOW, **given) -> Wish:
    branch = Branch(
        id=BRANCH_ID,
        zone=NEW_YORK,
        hours=dict.fromkeys(range(7), (time(8), time(16))),
        holidays=given.pop("holidays", frozenset()),
    )
    fields: dict[str, Any] = {
        "terms": terms,
        "branch": branch,
        "zone_id": None,
        "now": NOW,
    }
    return Wish(**fields | given)


def shift(start: int, end: int, *, is_on_call: bool = False) -> Shift:
    return Shift(start, end, BRANCH_ID, is_on_call)


def worker(**given) -> Worker:
    fields: dict[str, Any] = {
        "id": UUID(int=1),
        "is_active": True,
        "skills": {},
        "zones": frozenset(),
        "shifts": (shift(at(8), at(16)),),
        "time_off": (),
        "stops": (),
    }
    return Worker(**fields | given)


def starts(found) -> list[str]:
    return [f"{one.starts_at.astimezone(NEW_YORK):%H:%M}" for one, _ in found]


def all_offers(given_wish: Wish, *workers: Worker) -> list[str]:
    return starts(offers(given_wish, {w.id: w for w in workers}, iter([MONDAY])))


def test_windows_follow_each_other_through_the_opening_hours() -> None:
    assert all_offers(wish(), worker()) == ["08:00", "10:00", "12:00", "14:00"]


def test_two_hours_of_work_share_a_window_but_three_do_not() -> None:
    # 10-11 and 11-12 fill the window's starts; 12:00 would be the next window's.
    one = visit(at(10), at(11))
    two = visit(at(11), at(12))
    three = visit(at(12), at(13))

    assert "10:00" in all_offers(wish(), worker(stops=(one,)))
    assert "10:00" not in all_offers(wish(), worker(stops=(one, two, three)))


def test_work_that_starts_late_in_a_window_may_end_after_it() -> None:
    busy = visit(at(10), at(11, 45))

    ways = placements(
        wish(), {UUID(int=1): worker(stops=(busy,))}, promise(at(10), at(12))
    )

    assert [way.start for way in ways] == [at(11, 45)]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (at(7, 45), Reason.OFF_SHIFT),
        (at(8), None),
        (at(15), None),
        (at(15, 15), Reason.OFF_SHIFT),
    ],
)
def test_work_lies_inside_the_shift(start, reason) -> None:
    assert start_refusal(wish(), worker(), start) is reason


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (at(8, 15), None),  # [8:00, 9:30) ends where [9:30, 10:45) begins
        (at(8, 30), Reason.BUSY),
        (at(11), None),  # [10:45, ...) begins where the other ends
        (at(10, 45), Reason.BUSY),
    ],
)
def test_buffers_keep_visits_apart(start, reason) -> None:
    terms = replace(WINDOW, before=15, after=15)
    busy = visit(at(9, 30), at(10, 45))

    assert start_refusal(wish(terms), worker(stops=(busy,)), start) is reason


def test_a_buffer_may_reach_out_of_the_shift() -> None:
    terms = replace(WINDOW, before=HOUR, after=HOUR)

    assert start_refusal(wish(terms), worker(), at(8)) is None


def test_absences_beat_shifts() -> None:
    away = worker(time_off=(Span(at(9), at(10)),))

    assert start_refusal(wish(), away, at(8)) is None
    assert start_refusal(wish(), away, at(8, 15)) is Reason.TIME_OFF
    assert start_refusal(wish(), away, at(10)) is None


def test_a_certificate_holds_through_its_last_day() -> None:
    skill = uuid4()
    terms = replace(WINDOW, skills=frozenset({skill}))

    last_day = worker(skills={skill: MONDAY})
    expired = worker(skills={skill: MONDAY - timedelta(days=1)})

    assert start_refusal(wish(terms), last_day, at(9)) is None
    assert start_refusal(wish(terms), expired, at(9)) is Reason.NO_SKILL
    assert start_refusal(wish(terms), worker(), at(9)) is Reason.NO_SKILL


def test_zones_bind_only_those_who_have_some() -> None:
    north, south = uuid4(), uuid4()

    assert start_refusal(wish(zone_id=north), worker(), at(9)) is None
    northern = worker(zones=frozenset({north}))
    assert start_refusal(wish(zone_id=north), northern, at(9)) is None
    assert start_refusal(wish(zone_id=south), northern, at(9)) is Reason.OUT_OF_ZONE


def test_on_call_shifts_serve_emergencies_only() -> None:
    on_call = worker(shifts=(shift(at(16), at(23), is_on_call=True),))
    emergency = replace(WINDOW, is_emergency=True)

    assert start_refusal(wish(), on_call, at(20)) is Reason.OFF_SHIFT
    assert start_refusal(wish(emergency), on_call, at(20)) is None


def test_emergencies_know_no_closing_time() -> None:
    night = worker(shifts=(shift(at(0), at(4), is_on_call=True),))
    emergency = replace(WINDOW, is_emergency=True, notice=0)
    midnight = wish(emergency, now=clock(0))

    assert all_offers(midnight, night) == ["00:00", "02:00"]


def test_notice_counts_to_the_start_of_work() -> None:
    # At 08:30 with an hour's notice work may begin at 09:30 at the earliest: the
    # window of 8 to 10 can still be kept, by the skin of its teeth.
    half_past_eight = wish(now=clock(8, 30))
    window = promise(at(8), at(10))

    ways = placements(half_past_eight, {UUID(int=1): worker()}, window)

    assert ways[0].start == at(9, 30)
    assert promise_refusal(wish(now=clock(9)), window) is Reason.NOTICE


def test_the_horizon_counts_local_days() -> None:
    # 23:30 on Monday in New York is Tuesday in UTC; one day ahead is Tuesday.
    late = clock(23, 30)
    short = wish(replace(WINDOW, horizon_days=1), now=late)
    tuesday, wednesday = (MONDAY + timedelta(days=n) for n in (1, 2))

    def refusal(day):
        return promise_refusal(short, promise(at(8, day=day), at(10, day=day), day=day))

    assert refusal(tuesday) is None
    assert refusal(wednesday) is Reason.HORIZON


def test_nobody_is_booked_on_a_holiday() -> None:
    holiday = wish(holidays=frozenset({MONDAY}))

    assert all_offers(holiday, worker()) == []
    assert promise_at(holiday, at(8)) is Reason.HOLIDAY


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (at(9), Reason.OFF_GRID),
        (at(8, 1), Reason.OFF_GRID),
        (at(7), Reason.CLOSED),
        (at(16), Reason.CLOSED),
    ],
)
def test_what_is_not_offered_is_refused_with_its_reason(start, reason) -> None:
    assert promise_at(wish(), start) is reason


def test_exact_starts_lie_on_quarter_hours() -> None:
    exact = replace(WINDOW, window=None)
    early = worker(shifts=(shift(at(8), at(9, 30)),))

    assert all_offers(wish(exact), early) == ["08:00", "08:15", "08:30"]


def test_the_least_busy_technician_comes_first() -> None:
    busy = worker(stops=(visit(at(14), at(16)),))
    idle = replace(worker(), id=UUID(int=2))

    ways = placements(wish(), {w.id: w for w in (busy, idle)}, promise(at(8), at(10)))

    assert [way.technicians for way in ways] == [(idle.id,), (busy.id,)]


def test_windows_keep_their_wall_time_when_the_clock_moves() -> None:
    # 2027-03-14 in New York: 02:00 EST becomes 03:00 EDT, so 08:00 is 12:00 UTC
    # (the day before it is 13:00 UTC).
    sunday = date(2027, 3, 14)
    on_duty = worker(shifts=(shift(at(8, day=sunday), at(16, day=sunday)),))

    found = list(offers(wish(), {on_duty.id: on_duty}, iter([sunday])))

    assert found[0][0].starts_at == datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
    assert starts(found) == ["08:00", "10:00", "12:00", "14:00"]


def test_a_four_hour_job_takes_four_hours_on_the_long_night() -> None:
    # 2027-11-07 in New York: 02:00 EDT becomes 01:00 EST. A shift from 00:00 EDT
    # (04:00 UTC) to 04:00 EST (09:00 UTC) lasts five hours.
    sunday = date(2027, 11, 7)
    night = worker(
        shifts=(shift(at(0, day=sunday), at(4, day=sunday), is_on_call=True),)
    )
    long_job = replace(WINDOW, is_emergency=True, duration=4 * HOUR)
    given = wish(long_job, now=clock(12, day=date(2027, 11, 6)))

    assert (
        start_refusal(given, night, to_minute(datetime(2027, 11, 7, 5, tzinfo=UTC)))
        is None
    )
    assert (
        start_refusal(given, night, to_minute(datetime(2027, 11, 7, 5, 15, tzinfo=UTC)))
        is Reason.OFF_SHIFT
    )
