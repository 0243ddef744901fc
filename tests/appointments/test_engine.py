"""What the engine knows beyond free time: ways, crews, parts, caps, people, waivers.

Times are minutes since Monday 2027-03-01, 00:00 in Phoenix (UTC-7, no DST), so 480
is 08:00. The fake map has four places; the way between two of them takes:

    home - north 30     home - south 20     north - south 45     north - east 10
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from appointments.rules.slots import (
    Branch,
    CapState,
    Override,
    Promise,
    Reason,
    Shift,
    Span,
    Terms,
    Wish,
    Worker,
    live,
    offered,
    placements,
    promise_at,
    promise_refusal,
    start_refusal,
    stop,
    to_minute,
    to_moment,
    why_not,
)
from appointments.rules.slots.stops import RECORD
from core.travel import Travel, TravelUnavailable

PHOENIX = ZoneInfo("America/Phoenix")
MONDAY = date(2027, 3, 1)
TUESDAY = MONDAY + timedelta(days=1)
MIDNIGHT = to_minute(datetime(2027, 3, 1, 7, tzinfo=UTC))
NOW = datetime(2027, 2, 28, 19, tzinfo=UTC)
BRANCH = UUID(int=9)
DAY = 24 * 60

HOME, NORTH, SOUTH, EAST = (0, 0), (10, 0), (-10, 0), (10, 10)
WAYS = {
    frozenset({HOME, NORTH}): 30,
    frozenset({HOME, SOUTH}): 20,
    frozenset({NORTH, SOUTH}): 45,
    frozenset({NORTH, EAST}): 10,
    frozenset({HOME, EAST}): 30,
}


class Map:
    """Knows the ways above."""

    def minutes(self, origin, destination) -> int:
        return 0 if origin == destination else WAYS[frozenset({origin, destination})]


class Silence:
    """A provider that does not answer."""

    asked = 0

    def minutes(self, origin, destination) -> int:
        self.asked += 1
        raise TravelUnavailable("no answer")


EXACT = Terms(duration=60, window=None, horizon_days=30)
WINDOW = replace(EXACT, window=120)


def wish(terms: Terms = EXACT, **given) -> Wish:
    branch = Branch(
        id=BRANCH,
        zone=PHOENIX,
        hours=dict.fromkeys(range(7), (time(8), time(16))),
        holidays=frozenset(),
    )
    fields: dict[str, Any] = {
        "terms": terms,
        "branch": branch,
        "zone_id": None,
        "now": NOW,
        "travel": Travel(Map()),
    }
    return Wish(**fields | given)


def at(minute: int) -> int:
    return MIDNIGHT + minute


def visit(start: int, end: int, *, place=None, held_until=None, owner=None):
    return stop(
        to_moment(at(start)),
        to_moment(at(end)),
        owner=owner or uuid4(),
        place=place,
        held_until=held_until,
    )


def worker(n: int = 1, **given) -> Worker:
    fields: dict[str, Any] = {
        "id": UUID(int=n),
        "is_active": True,
        "skills": {},
        "zones": frozenset(),
        "shifts": [Shift(at(480), at(960), BRANCH)],
        "time_off": [],
        "stops": [],
    }
    return Worker(**fields | given)


def refusal(given_wish: Wish, given_worker: Worker, minute: int) -> Reason | None:
    return start_refusal(given_wish, given_worker, at(minute))


def exact(minute: int, day: date = MONDAY) -> Promise:
    return Promise(at(minute), at(minute) + 1, day)


# --- Ways ---------------------------------------------------------------------


def test_the_way_from_the_visit_before_is_kept_free() -> None:
    # A visit in the south until 10:00 (600); 45 minutes on: 10:45 (645).
    busy = worker(stops=[visit(540, 600, place=SOUTH)])
    there = wish(place=NORTH)

    assert refusal(there, busy, 630) is Reason.TRAVEL
    assert refusal(there, busy, 645) is None


def test_the_way_to_the_visit_after_is_kept_free() -> None:
    # Next in the south at 12:00 (720): an hour's work and 45 minutes: 10:15 (615).
    busy = worker(stops=[visit(720, 780, place=SOUTH)])
    there = wish(place=NORTH)

    assert refusal(there, busy, 615) is None
    assert refusal(there, busy, 630) is Reason.TRAVEL


def test_buffers_and_the_way_add_up() -> None:
    # The other visit occupies until 10:00, its buffer included; then the way of 45
    # and our own quarter of an hour before: 11:00 (660) and not 10:45.
    busy = worker(stops=[visit(540, 600, place=SOUTH)])
    there = wish(replace(EXACT, before=15), place=NORTH)

    assert refusal(there, busy, 645) is Reason.TRAVEL
    assert refusal(there, busy, 660) is None


def test_the_shift_begins_and_ends_at_home_where_that_is_known() -> None:
    # 30 minutes from home: 08:30 (510) at the earliest; back home by 16:00 (960):
    # an hour's work may begin at 14:30 (870) at the latest.
    homely, anywhere = worker(home=HOME), worker()
    there = wish(place=NORTH)

    assert refusal(there, homely, 495) is Reason.TRAVEL
    assert refusal(there, homely, 510) is None
    assert refusal(there, homely, 870) is None
    assert refusal(there, homely, 885) is Reason.TRAVEL
    assert refusal(there, anywhere, 480) is None


def test_where_a_place_is_unknown_no_way_is_planned() -> None:
    busy = worker(stops=[visit(540, 600)])

    assert refusal(wish(place=NORTH), busy, 600) is None
    assert refusal(wish(), worker(stops=[visit(540, 600, place=SOUTH)]), 600) is None


def test_who_is_near_goes_first() -> None:
    # From 10:00 on: one comes from the east (10 minutes), one from the south (45).
    near = worker(1, stops=[visit(480, 540, place=EAST)])
    far = worker(2, stops=[visit(480, 540, place=SOUTH)])
    idle_nowhere = worker(3)

    ways = placements(
        wish(place=NORTH), {w.id: w for w in (far, near, idle_nowhere)}, exact(660)
    )

    # The idle one drives nowhere, as far as anybody knows.
    assert [(way.technicians[0].int, way.detour) for way in ways] == [
        (3, 0),
        (1, 10),
        (2, 45),
    ]


def test_a_silent_provider_degrades_the_answer_once() -> None:
    provider = Silence()
    travel = Travel(provider)
    # 0.1 degrees of latitude are 11.1 km as the crow flies, 15.0 km by road; at
    # 22 + 58 * 15.0 / 40.0 = 43.8 km/h that is 20.6 minutes, and 2 to park.
    assert travel.minutes((0, 0), (100_000, 0)) == 23
    assert travel.minutes((0, 0), (0, 0)) == 0
    assert travel.degraded
    assert provider.asked == 1


# --- What is remembered ---------------------------------------------------------


def test_only_a_calendar_of_the_same_fingerprint_is_remembered() -> None:
    plain = wish(travel=Travel())
    free = worker().marked("as PostgreSQL has it")
    same = worker(stops=[visit(480, 960)]).marked("as PostgreSQL has it")
    other = worker(stops=[visit(480, 960)]).marked("another day")

    assert refusal(plain, free, 600) is None
    assert refusal(plain, same, 600) is None  # remembered, and not looked at
    assert refusal(plain, other, 600) is Reason.BUSY
    # A copy that was changed is looked at: nobody can forget to drop the mark.
    away = replace(free, time_off=[Span(at(480), at(960))])
    assert refusal(plain, away, 600) is Reason.TIME_OFF
    # So is everything where a provider of travel times may answer otherwise.
    assert refusal(wish(), same, 600) is Reason.BUSY


# --- Holds ----------------------------------------------------------------------


def test_a_hold_counts_until_its_last_microsecond() -> None:
    until = NOW + timedelta(minutes=10)
    other = uuid4()
    kept = visit(600, 660, held_until=until, owner=other)
    packed = b"".join([_packed(kept)])
    just_before = until - timedelta(microseconds=1)

    held = worker(stops=live([packed], now=just_before))
    assert refusal(wish(now=just_before), held, 600) is Reason.HELD
    assert live([packed], now=until) == []
    assert live([packed], now=just_before, own=[other]) == []


def _packed(one) -> bytes:
    return RECORD.pack(*one)


# --- Crews ----------------------------------------------------------------------


def test_a_crew_begins_together_or_not_at_all() -> None:
    # One is free from 09:00 (540), the other until 10:30 (630): an hour together
    # begins at 09:00, 09:15 or 09:30.
    late = worker(1, stops=[visit(480, 540)])
    early = worker(2, stops=[visit(630, 960)])
    crew = {w.id: w for w in (late, early)}
    two = wish(replace(EXACT, crew_size=2))

    starts = [promise.start - MIDNIGHT for promise in offered(two, crew, [MONDAY])]

    assert starts == [540, 555, 570]
    assert placements(two, {late.id: late}, exact(540)) == []


def test_in_a_window_a_crew_takes_the_first_common_start() -> None:
    late = worker(1, stops=[visit(480, 525)])
    other = worker(2, stops=[visit(480, 510)])
    two = wish(replace(WINDOW, crew_size=2))

    (way,) = placements(
        two, {w.id: w for w in (late, other)}, Promise(at(480), at(600), MONDAY)
    )

    assert way.start == at(525)
    assert set(way.technicians) == {late.id, other.id}


# --- Parts ----------------------------------------------------------------------


def test_long_work_goes_on_in_the_next_shift() -> None:
    # Twelve hours from 10:00 on Monday: six until 16:00, six from 08:00 on Tuesday.
    two_days = worker(
        shifts=[
            Shift(at(480), at(960), BRANCH),
            Shift(at(DAY + 480), at(DAY + 960), BRANCH),
        ]
    )
    long = wish(replace(EXACT, duration=720, splits=True))

    (way,) = placements(long, {two_days.id: two_days}, exact(600))

    assert way.parts == (
        Span(at(600), at(960)),
        Span(at(DAY + 480), at(DAY + 840)),
    )


def test_every_part_must_be_free() -> None:
    shifts = [
        Shift(at(480), at(960), BRANCH),
        Shift(at(DAY + 480), at(DAY + 960), BRANCH),
    ]
    long = wish(replace(EXACT, duration=720, splits=True))

    busy = worker(shifts=shifts, stops=[visit(DAY + 540, DAY + 600)])
    away = worker(shifts=shifts, time_off=[Span(at(DAY + 480), at(DAY + 500))])

    assert refusal(long, busy, 600) is Reason.BUSY
    assert refusal(long, away, 600) is Reason.TIME_OFF
    assert refusal(long, worker(), 600) is Reason.OFF_SHIFT


def test_work_that_splits_does_not_begin_at_the_very_end_of_a_day() -> None:
    shifts = [
        Shift(at(480), at(960), BRANCH),
        Shift(at(DAY + 480), at(DAY + 960), BRANCH),
    ]
    long = wish(replace(EXACT, duration=300, splits=True))

    assert refusal(long, worker(shifts=shifts), 900) is None  # an hour, then four
    assert refusal(long, worker(shifts=shifts), 915) is Reason.OFF_SHIFT


def test_each_day_of_long_work_begins_and_ends_at_home() -> None:
    # 30 minutes each way: work from 08:30 to 15:30. From 10:00 five and a half hours
    # on Monday; six and a half are left from 08:30 on Tuesday.
    shifts = [
        Shift(at(480), at(960), BRANCH),
        Shift(at(DAY + 480), at(DAY + 960), BRANCH),
    ]
    homely = worker(shifts=shifts, home=HOME)
    long = wish(replace(EXACT, duration=720, splits=True), place=NORTH)

    (way,) = placements(long, {homely.id: homely}, exact(600))

    assert way.parts == (
        Span(at(600), at(930)),
        Span(at(DAY + 510), at(DAY + 900)),
    )
    assert refusal(long, homely, 495) is Reason.TRAVEL
    assert refusal(long, homely, 510) is None


# --- Caps and people ------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "weekday", "reason"),
    [
        (3, None, None),
        (4, None, Reason.CAP),
        (5, None, Reason.CAP),
        (4, MONDAY.weekday(), Reason.CAP),
        (4, TUESDAY.weekday(), None),
    ],
)
def test_a_cap_closes_the_day_that_has_reached_it(taken, weekday, reason) -> None:
    cap = CapState(id=uuid4(), most=4, weekday=weekday, taken={MONDAY: taken})
    capped = wish(caps=[cap])

    assert promise_refusal(capped, exact(600)) is reason
    assert bool(offered(capped, {UUID(int=1): worker()}, [MONDAY])) is (reason is None)


def test_the_preferred_one_goes_first_and_the_barred_one_never() -> None:
    one, two, three = (worker(n) for n in (1, 2, 3))
    asked = wish(preferred=frozenset({three.id}), barred=frozenset({one.id}))

    ways = placements(asked, {w.id: w for w in (one, two, three)}, exact(600))

    assert [way.technicians[0] for way in ways] == [three.id, two.id]
    assert why_not(asked, one, exact(600)) is Reason.BARRED


# --- What staff may set aside ---------------------------------------------------


def test_each_override_sets_aside_its_own_rule_only() -> None:
    skill, zone = uuid4(), uuid4()
    terms = replace(EXACT, notice=DAY, horizon_days=0, skills=frozenset({skill}))
    cap = CapState(id=uuid4(), most=1, taken={MONDAY: 1})
    strict = wish(terms, zone_id=zone, caps=[cap])
    choosy = worker(zones=frozenset({uuid4()}))

    def with_override(*kinds: Override) -> Wish:
        return replace(strict, overridden=frozenset(kinds))

    # Sunday noon: Monday 10:00 is 22 hours ahead, and tomorrow.
    assert promise_refusal(strict, exact(600)) is Reason.HORIZON
    horizon = with_override(Override.HORIZON)
    assert promise_refusal(horizon, exact(600)) is Reason.NOTICE
    both = with_override(Override.HORIZON, Override.NOTICE)
    assert promise_refusal(both, exact(600)) is Reason.CAP
    three = with_override(Override.HORIZON, Override.NOTICE, Override.CAP)
    assert promise_refusal(three, exact(600)) is None
    assert why_not(three, choosy, exact(600)) is Reason.NO_SKILL
    assert refusal(with_override(Override.SKILL), choosy, 600) is Reason.OUT_OF_ZONE
    everything = with_override(*Override)
    assert refusal(everything, choosy, 600) is None
    busy = worker(stops=[visit(600, 660)])
    assert refusal(everything, busy, 600) is Reason.BUSY


def test_overtime_may_run_out_of_the_shift_but_not_begin_after_it() -> None:
    late = wish(overridden=frozenset({Override.OVERTIME}))

    assert refusal(wish(), worker(), 915) is Reason.OFF_SHIFT
    assert refusal(late, worker(), 945) is None
    assert refusal(late, worker(), 960) is Reason.OFF_SHIFT


def test_a_window_may_be_promised_off_the_grid_but_on_no_holiday() -> None:
    freely = wish(WINDOW, overridden=frozenset({Override.WINDOW}))
    holiday = replace(
        freely, branch=replace(freely.branch, holidays=frozenset({MONDAY}))
    )

    assert promise_at(wish(WINDOW), at(607)) is Reason.OFF_GRID
    assert promise_at(freely, at(607)) == Promise(at(607), at(727), MONDAY)
    assert promise_at(freely, at(300)) == Promise(at(300), at(420), MONDAY)
    assert promise_at(holiday, at(607)) is Reason.HOLIDAY


def test_a_settled_promise_asks_neither_for_notice_nor_horizon_nor_cap() -> None:
    cap = CapState(id=uuid4(), most=1, taken={MONDAY: 1})
    terms = replace(EXACT, notice=5 * DAY, horizon_days=0)

    assert promise_refusal(wish(terms, caps=[cap]), exact(600)) is Reason.HORIZON
    settled = wish(terms, caps=[cap], is_settled=True)
    assert promise_refusal(settled, exact(600)) is None
