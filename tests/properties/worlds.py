"""Small random companies, described without a database: what hypothesis draws."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

# A zone, and the first of the days that the world is about. Both nights of the year
# are there for zones that have them; Lord Howe's clock moves by half an hour.
SCENES = [
    ("America/Phoenix", date(2027, 6, 9)),
    ("America/New_York", date(2027, 3, 13)),  # 03-14 02:00 -> 03:00
    ("America/New_York", date(2027, 11, 6)),  # 11-07 02:00 -> 01:00
    ("Australia/Lord_Howe", date(2027, 4, 3)),  # 04-04 02:00 -> 01:30
    ("Australia/Lord_Howe", date(2027, 10, 2)),  # 10-03 02:00 -> 02:30
    ("Asia/Kathmandu", date(2027, 6, 9)),  # +05:45
    ("Pacific/Kiritimati", date(2027, 6, 9)),  # +14:00
    ("Pacific/Pago_Pago", date(2027, 6, 9)),  # -11:00
    ("America/St_Johns", date(2027, 3, 13)),  # -03:30, 03-14 02:00 -> 03:00
    ("America/Santiago", date(2027, 9, 4)),  # 09-05 00:00 -> 01:00: no midnight
]


@dataclass(frozen=True)
class Shift:
    """A weekly shift, by the wall clock of its branch."""

    weekday: int
    starts: time
    ends: time
    on_call: bool
    elsewhere: bool  # lent to another branch
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class DayException:
    """Other hours on one day; without times, off."""

    date: date
    starts: time | None
    ends: time | None
    on_call: bool
    elsewhere: bool


@dataclass(frozen=True)
class Span:
    """[starts_at, ends_at) as instants."""

    starts_at: datetime
    ends_at: datetime


# Where something is, in hundredths of a degree east and north of the customer.
Spot = tuple[int, int]


@dataclass(frozen=True)
class Stop(Span):
    """Time taken by a visit, or kept by a hold until `held_until`; buffers included."""

    of_our_service: bool
    spot: Spot | None
    held_until: datetime | None = None


@dataclass(frozen=True)
class Cap:
    """At most so many visits a day; None stands for all."""

    most: int
    of_our_service: bool | None
    zone: str | None
    weekday: int | None


@dataclass(frozen=True)
class Member:
    """A technician: `skilled_until` is None without the skill, `zone` None for all."""

    is_active: bool
    skilled_until: date | None
    zone: str | None
    shifts: tuple[Shift, ...]
    exceptions: tuple[DayException, ...]
    absences: tuple[Span, ...]
    taken: tuple[Stop, ...]
    let_go: tuple[Stop, ...]  # by visits that were called off
    home: Spot | None


@dataclass(frozen=True)
class World:
    """All that decides which starts can be booked."""

    zone: ZoneInfo
    first_day: date
    days: int
    now: datetime
    hours: dict[int, tuple[time, time]]  # by weekday; closed where there is none
    holidays: frozenset[date]
    company_holidays: frozenset[date]
    duration: int
    before: int
    after: int
    window: int | None
    notice: int
    horizon: int
    needs_skill: bool
    is_emergency: bool
    crew_size: int
    splits: bool  # goes on in the next shift where one is not enough
    has_roads: bool  # else nobody knows where the customer lives
    caps: tuple[Cap, ...]
    crew: tuple[Member, ...] = field(default_factory=tuple)

    @property
    def listed(self) -> list[date]:
        return [self.first_day + n * DAY for n in range(self.days)]


MOSTLY = st.sampled_from([True, True, True, False])


def quarters(first: int = 0, last: int = 95) -> st.SearchStrategy[time]:
    return st.integers(first, last).map(lambda n: time(n // 4, n % 4 * 15))


@st.composite
def shifts(draw: st.DrawFn, first_day: date) -> Shift:
    weekday = (first_day + draw(st.integers(-1, 3)) * DAY).weekday()
    return Shift(
        weekday=weekday,
        # Most begin in the morning and end by the evening; any may cross midnight.
        starts=draw(st.one_of(quarters(24, 48), quarters())),
        ends=draw(st.one_of(quarters(48, 84), quarters())),
        on_call=draw(st.sampled_from([False, False, False, True])),
        elsewhere=draw(st.sampled_from([False] * 7 + [True])),
        valid_from=draw(st.sampled_from([None, None, first_day + DAY])),
        valid_until=draw(st.sampled_from([None, None, first_day + 2 * DAY])),
    )


@st.composite
def same_every_day(draw: st.DrawFn) -> list[Shift]:
    # Five past: no other shift begins then, so that none is listed twice.
    starts, ends = draw(quarters(20, 36)).replace(minute=5), draw(quarters(56, 80))
    return [
        Shift(weekday, starts, ends, on_call=False, elsewhere=False)
        for weekday in range(7)
    ]


@st.composite
def exceptions(draw: st.DrawFn, first_day: date) -> DayException:
    day = first_day + draw(st.integers(-1, 3)) * DAY
    if draw(st.booleans()):
        return DayException(day, None, None, False, False)
    return DayException(
        date=day,
        starts=draw(quarters()),
        ends=draw(quarters()),
        on_call=draw(st.booleans()),
        elsewhere=draw(st.sampled_from([False] * 7 + [True])),
    )


# Beside the quarter hours on which work starts: just there, a little off, or off by
# what buffers and the shortest ways take.
BESIDE = st.sampled_from([0, 0, 0, 0, 1, -1, 4, -4, 5, -5, 8, 10, -10, 7])


@st.composite
def spans(draw: st.DrawFn, origin: datetime, *, longest: int) -> Span:
    """Any stretch of time on the days of the world, now and then with seconds."""
    quarter = draw(st.one_of(st.integers(24, 72), st.integers(0, 95)))
    start = origin + draw(st.integers(-1, 3)) * DAY + quarter * 15 * MINUTE
    length = draw(st.integers(1, longest // 15)) * 15 * MINUTE
    seconds = timedelta(seconds=draw(st.sampled_from([0] * 7 + [1, 59])))
    start += draw(BESIDE) * MINUTE + seconds
    return Span(start, start + length + draw(BESIDE) * MINUTE)


@st.composite
def stops(draw: st.DrawFn, origin: datetime, now: datetime, *, held: bool) -> Stop:
    span = draw(spans(origin, longest=300))
    # A hold ends before now, just now, or later; a visit is there to stay.
    ends = st.sampled_from([None, None, None, -60, -1, 0, 1, 600])
    left = draw(ends) if held else None
    return Stop(
        span.starts_at,
        span.ends_at,
        of_our_service=draw(st.booleans()),
        spot=draw(st.none() | spots()),
        held_until=None if left is None else now + timedelta(seconds=left),
    )


def spots() -> st.SearchStrategy[Spot]:
    return st.tuples(st.integers(-4, 4), st.integers(-4, 4))


def caps(first_day: date) -> st.SearchStrategy[Cap]:
    return st.builds(
        Cap,
        most=st.sampled_from([1, 2, 3, 3, 0]),
        of_our_service=st.sampled_from([None, True, False]),
        zone=st.sampled_from([None, "here", "there"]),
        weekday=st.sampled_from([None, first_day.weekday()]),
    )


def apart(found: list[Stop]) -> tuple[Stop, ...]:
    """Return those of the stops that do not overlap one before them."""
    kept: list[Stop] = []
    for span in sorted(found, key=lambda span: span.starts_at):
        if not kept or kept[-1].ends_at <= span.starts_at:
            kept.append(span)
    return tuple(kept)


@st.composite
def members(
    draw: st.DrawFn, first_day: date, origin: datetime, now: datetime, *, splits: bool
) -> Member:
    if splits:
        # Shifts that lie apart from each other; which one is next is no question then.
        plain = draw(members(first_day, origin, now, splits=False))
        off = [replace(each, starts=None, ends=None) for each in plain.exceptions[:1]]
        week = tuple(draw(same_every_day()))
        return replace(plain, shifts=week, exceptions=tuple(off), home=None)
    listed = draw(
        st.lists(
            shifts(first_day),
            max_size=3,
            unique_by=lambda s: (s.weekday, s.starts, s.on_call, s.valid_from),
        )
    )
    if draw(MOSTLY):
        listed = draw(same_every_day()) + listed[:1]
    instead = draw(
        st.one_of(
            st.just([]),
            st.lists(
                exceptions(first_day),
                max_size=2,
                unique_by=lambda e: (e.date, e.starts),
            ),
        )
    )
    return Member(
        is_active=draw(st.sampled_from([True] * 9 + [False])),
        skilled_until=draw(
            st.sampled_from([date.max] * 5 + [first_day, first_day + DAY, None])
        ),
        zone=draw(st.sampled_from([None] * 5 + ["here", "here", "there"])),
        shifts=tuple(listed),
        exceptions=tuple(instead),
        absences=tuple(draw(st.lists(spans(origin, longest=600), max_size=2))),
        taken=apart(draw(st.lists(stops(origin, now, held=True), max_size=6))),
        let_go=tuple(draw(st.lists(stops(origin, now, held=False), max_size=1))),
        home=draw(st.none() | spots()),
    )


@st.composite
def opening_hours(draw: st.DrawFn) -> dict[int, tuple[time, time]]:
    if draw(MOSTLY):
        return dict.fromkeys(range(7), (draw(quarters(24, 36)), draw(quarters(56, 80))))
    if draw(st.booleans()):
        # Open through the hours in which clocks move.
        return dict.fromkeys(range(7), (draw(quarters(0, 12)), draw(quarters(13, 95))))
    open_on = draw(st.sets(st.integers(0, 6)))
    return {day: (draw(quarters(20, 48)), draw(quarters(49, 95))) for day in open_on}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    zone_name, first_day = draw(st.sampled_from(SCENES))
    zone = ZoneInfo(zone_name)
    origin = datetime.combine(first_day, time(12), tzinfo=zone).astimezone(UTC)
    origin -= timedelta(hours=12)
    some_day = st.sampled_from([first_day, first_day + DAY])
    some_days = st.sampled_from([0] * 7 + [1]).flatmap(
        lambda count: st.frozensets(some_day, min_size=count, max_size=count)
    )
    before, within = st.integers(-1440, 0), st.integers(0, 2000)
    now = origin + timedelta(minutes=draw(before if draw(MOSTLY) else within))
    now += timedelta(seconds=draw(st.sampled_from([0, 0, 1, 59])))
    splits = draw(st.sampled_from([False] * 5 + [True]))
    people = members(first_day, origin, now, splits=splits)
    crew_size = 1 if splits else draw(st.sampled_from([1, 1, 1, 2, 3]))
    spare = draw(st.sampled_from([0, 0, 1, 2]))
    durations = [60, 15, 30, 45, 90, 120, 50, 240, 600]
    return World(
        zone=zone,
        first_day=first_day,
        days=draw(st.integers(1, 3)),
        now=now,
        hours=draw(opening_hours()),
        holidays=draw(some_days),
        company_holidays=draw(some_days),
        duration=draw(st.sampled_from([600, 900, 1440, 240] if splits else durations)),
        before=draw(st.sampled_from([0, 0, 10, 30])),
        after=draw(st.sampled_from([0, 0, 5, 45])),
        window=draw(st.sampled_from([None, None, None, 60, 120, 240, 100])),
        notice=draw(st.sampled_from([0, 0, 60, 120, 1440])),
        horizon=draw(st.sampled_from([60, 60, 60, 5, 2, 1, 0])),
        needs_skill=draw(st.sampled_from([False, False, True])),
        is_emergency=draw(st.sampled_from([False, False, False, True])),
        crew_size=crew_size,
        splits=splits,
        has_roads=draw(st.booleans()),
        caps=tuple(
            draw(
                st.one_of(
                    st.just([]),
                    st.lists(
                        caps(first_day),
                        max_size=2,
                        unique_by=lambda c: (c.of_our_service, c.zone, c.weekday),
                    ),
                )
            )
        ),
        crew=tuple(draw(people) for _ in range(crew_size + spare)),
    )


@st.composite
def packed_worlds(draw: st.DrawFn) -> World:
    """Return a world in which nothing counts but one technician's calendar."""
    world = draw(worlds().filter(lambda world: not world.splits))
    member = replace(
        world.crew[0],
        is_active=True,
        zone=None,
        shifts=tuple(draw(same_every_day())),
        exceptions=(),
    )
    early = datetime.combine(world.first_day - 2 * DAY, time(), tzinfo=UTC)
    return replace(
        world,
        crew=(member,),
        crew_size=1,
        now=early,
        notice=0,
        horizon=60,
        days=3,
        hours=dict.fromkeys(range(7), (time(6), time(20))),
        holidays=frozenset(),
        company_holidays=frozenset(),
        caps=(),
        needs_skill=False,
        window=None,
        duration=draw(st.sampled_from([15, 30, 45, 60])),
    )
