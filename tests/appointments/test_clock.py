"""Times over HTTP where clocks are hard; each expected instant is worked out by hand.

New York is UTC-5 (EST), and UTC-4 (EDT) from Sunday 2027-03-14 02:00 EST = 07:00Z,
when clocks jump to 03:00, until Sunday 2027-11-07 02:00 EDT = 06:00Z, when they fall
back to 01:00 EST.

Lord Howe is UTC+11 until Sunday 2027-04-04 02:00 = Saturday 15:00Z, when clocks fall
back by half an hour to 01:30; then UTC+10:30 until Sunday 2027-10-03 02:00 = Saturday
15:30Z, when they jump to 02:30, UTC+11 again.

Kathmandu is UTC+5:45, Kolkata UTC+5:30, Kiritimati UTC+14, Phoenix UTC-7: all year.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from rest_framework.test import APIClient

from appointments.models import Service
from core.actors import Role
from core.models import Holiday, Location, OpeningHours
from technicians.models import Technician, TechnicianSkill, WeeklyShift
from tests.factories import (
    make_location,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_user,
    make_zone,
)

pytestmark = pytest.mark.django_db

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
KATHMANDU, KOLKATA = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Asia/Kolkata")
KIRITIMATI, PHOENIX = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/Phoenix")
MIDNIGHT = time(0)
# No map knows it: nobody has to drive.
ZIP = "QCLCK"


@dataclass
class Branch:
    """A branch with one technician, and a client of its office."""

    location: Location
    technician: Technician
    office: APIClient

    def starts(self, service: Service, day: date, **query: Any) -> list[datetime]:
        """Return the starts that are offered, in the offsets they are shown in."""
        return [
            datetime.fromisoformat(slot["starts_at"])
            for slot in self.slots(service, day, **query)
        ]

    def slots(self, service: Service, day: date, **query: Any) -> list[dict[str, Any]]:
        asked: dict[str, Any] = {"service": service.code, "postal_code": ZIP}
        asked |= {"from": day.isoformat(), "days": 1}
        answer = self.office.get("/api/v1/availability", asked | query)
        assert answer.status_code == 200, answer.content
        return list(answer.json()["slots"])

    def book(self, service: Service, starts_at: str) -> Any:
        form = {
            "service": service.code,
            "property": str(make_property(postal_code=ZIP).pk),
            "starts_at": starts_at,
        }
        return self.office.post("/api/v1/appointments", form, format="json")


@pytest.fixture
def branch_in(api_as):
    """Return a function that makes a branch with these hours and this shift."""

    def make(
        zone: ZoneInfo,
        *,
        hours: tuple[time, time],
        shift: tuple[time, time] | None = None,
        kind: str = "regular",
    ) -> Branch:
        location = make_location(time_zone=zone, open_hours=None)
        make_zone(ZIP, location=location)
        technician = make_technician(location=location, shift=None)
        for day in range(7):
            opens, closes = hours
            OpeningHours.objects.create(
                location=location, weekday=day, opens=opens, closes=closes
            )
            starts, ends = shift or (MIDNIGHT, MIDNIGHT)
            WeeklyShift.objects.create(
                technician=technician,
                location=location,
                weekday=day,
                starts=starts,
                ends=ends,
                kind=kind,
            )
        user = make_user(Role.DISPATCHER, locations=[location])
        return Branch(location, technician, api_as(user))

    return make


def exact(minutes: int, **given: Any) -> Service:
    return make_service(
        booking_mode="exact",
        duration_minutes=minutes,
        horizon_days=365,
        **{"notice_minutes": 0} | given,
    )


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


def quarters(first: datetime, last: datetime) -> list[datetime]:
    """Return every quarter of an hour from the first to the last."""
    count = (last - first) // timedelta(minutes=15)
    return [first + n * timedelta(minutes=15) for n in range(count + 1)]


def walls(starts: list[datetime]) -> list[str]:
    return [f"{start:%H:%M%z}" for start in starts]


def at(
    month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> time_machine.travel:
    """Stop the clock at that instant (UTC)."""
    moment = datetime(2027, month, day, hour, minute, second, tzinfo=UTC)
    return time_machine.travel(moment, tick=False)


# --- The nights on which the clock moves ----------------------------------------


@at(3, 13, 12)
def test_new_york_in_spring_has_no_starts_in_the_skipped_hour(
    branch_in,
) -> None:
    here = branch_in(NEW_YORK, hours=(time(1), time(5)))

    found = here.starts(exact(60), date(2027, 3, 14))

    # 01:00 EST = 06:00Z; 05:00 EDT = 09:00Z: three hours of starts, not four.
    assert found == quarters(utc(3, 14, 6), utc(3, 14, 8, 45))
    assert walls(found)[3:5] == ["01:45-0500", "03:00-0400"]


@at(11, 6, 12)
def test_new_york_in_autumn_offers_the_repeated_hour_twice(branch_in) -> None:
    here = branch_in(NEW_YORK, hours=(MIDNIGHT, time(3)))
    service = exact(60)

    found = here.starts(service, date(2027, 11, 7))
    first = here.book(service, "2027-11-07T01:00:00-04:00")
    second = here.book(service, "2027-11-07T01:00:00-05:00")

    # 00:00 EDT = 04:00Z; 03:00 EST = 08:00Z: four hours of starts, not three.
    assert found == quarters(utc(11, 7, 4), utc(11, 7, 7, 45))
    assert walls(found).count("01:00-0400") == walls(found).count("01:00-0500") == 1
    # 01:00 EDT = 05:00Z, and an hour later 01:00 EST = 06:00Z: room for both.
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["ends_at"] == second.json()["starts_at"]


@at(4, 3, 0)
def test_lord_howe_falls_back_by_half_an_hour(branch_in) -> None:
    here = branch_in(LORD_HOWE, hours=(time(1), time(3)))

    found = here.starts(exact(60), date(2027, 4, 4))

    # 01:00+11 = Saturday 14:00Z; 03:00+10:30 = Saturday 16:30Z: two hours and a half.
    assert found == quarters(utc(4, 3, 14), utc(4, 3, 16, 15))
    assert walls(found)[2:5] == ["01:30+1100", "01:45+1100", "01:30+1030"]


@at(10, 2, 0)
def test_lord_howe_jumps_by_half_an_hour(branch_in) -> None:
    here = branch_in(LORD_HOWE, hours=(time(1), time(4)))

    found = here.starts(exact(60), date(2027, 10, 3))

    # 01:00+10:30 = Saturday 14:30Z; 04:00+11 = Saturday 17:00Z: two hours and a half.
    assert found == quarters(utc(10, 2, 14, 30), utc(10, 2, 16, 45))
    assert walls(found)[3:5] == ["01:45+1030", "02:30+1100"]


@at(10, 2, 0)
def test_windows_are_two_real_hours_on_a_night_of_half_an_hour_less(branch_in) -> None:
    here = branch_in(LORD_HOWE, hours=(MIDNIGHT, time(6)))
    service = make_service(notice_minutes=0, window_minutes=120)

    found = here.slots(service, date(2027, 10, 3))

    # From 00:00+10:30 = 13:30Z every two hours: 15:30Z is the minute of the jump, 02:30
    # on the new clock; 17:30Z is 04:30+11, and 19:30Z after the closing at 06:00+11.
    assert [(slot["starts_at"][11:], slot["ends_at"][11:]) for slot in found] == [
        ("00:00:00+10:30", "02:30:00+11:00"),
        ("02:30:00+11:00", "04:30:00+11:00"),
        ("04:30:00+11:00", "06:30:00+11:00"),
    ]


@at(11, 6, 12)
def test_four_hours_are_four_hours_on_the_long_night(branch_in) -> None:
    here = branch_in(NEW_YORK, hours=(MIDNIGHT, time(5)))

    visit = here.book(exact(240), "2027-11-07T00:00:00-04:00").json()

    # From 00:00 EDT = 04:00Z to 08:00Z = 03:00 EST.
    assert visit["starts_at"] == "2027-11-07T00:00:00-04:00"
    assert visit["ends_at"] == "2027-11-07T03:00:00-05:00"


@at(11, 6, 12)
def test_a_visit_keeps_its_wall_time_when_moved_over_the_change(branch_in) -> None:
    here = branch_in(NEW_YORK, hours=(time(8), time(16)))
    service = exact(60)
    visit = here.book(service, "2027-11-06T09:00:00").json()

    moved = here.office.post(
        f"/api/v1/appointments/{visit['id']}/reschedule",
        {"starts_at": "2027-11-07T09:00:00"},
        format="json",
    ).json()

    # 09:00 EDT = 13:00Z; 09:00 EST = 14:00Z, twenty-five hours later.
    assert visit["starts_at"] == "2027-11-06T09:00:00-04:00"
    assert moved["starts_at"] == "2027-11-07T09:00:00-05:00"


# --- Local times that are missing or come twice -----------------------------------

HARD_TIMES = pytest.mark.parametrize(
    ("zone", "wall", "code"),
    [
        (NEW_YORK, "2027-03-14T02:00:00", "nonexistent_local_time"),
        (NEW_YORK, "2027-03-14T02:59:00", "nonexistent_local_time"),
        (NEW_YORK, "2027-11-07T01:00:00", "ambiguous_local_time"),
        (NEW_YORK, "2027-11-07T01:59:00", "ambiguous_local_time"),
        (LORD_HOWE, "2027-10-03T02:00:00", "nonexistent_local_time"),
        (LORD_HOWE, "2027-10-03T02:29:00", "nonexistent_local_time"),
        (LORD_HOWE, "2027-04-04T01:30:00", "ambiguous_local_time"),
        (LORD_HOWE, "2027-04-04T01:59:00", "ambiguous_local_time"),
    ],
)


@HARD_TIMES
@at(3, 1)
def test_hard_local_times_are_refused_wherever_they_come_in(
    branch_in, zone: ZoneInfo, wall: str, code: str
) -> None:
    here = branch_in(zone, hours=(MIDNIGHT, time(23)))
    service = exact(60)
    visit = here.book(service, "2027-03-02T09:00:00").json()
    post = here.office.post

    answers = [
        here.book(service, wall),
        post(
            f"/api/v1/appointments/{visit['id']}/reschedule",
            {"starts_at": wall},
            format="json",
        ),
        post(
            f"/api/v1/technicians/{here.technician.pk}/time-off",
            {"starts_at": wall, "ends_at": "2027-12-01T00:00:00"},
            format="json",
        ),
        here.office.get(
            "/api/v1/availability/explain",
            {"service": service.code, "postal_code": ZIP, "starts_at": wall},
        ),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (422, code)
    ] * 4


@pytest.mark.parametrize(
    ("zone", "wall", "starts_at"),
    [
        # The minutes beside the skipped and the repeated ones are like any others.
        (NEW_YORK, "2027-03-14T01:45:00", utc(3, 14, 6, 45)),  # EST, UTC-5
        (NEW_YORK, "2027-03-14T03:00:00", utc(3, 14, 7)),  # EDT, UTC-4
        (NEW_YORK, "2027-11-07T00:45:00", utc(11, 7, 4, 45)),  # EDT
        (NEW_YORK, "2027-11-07T02:00:00", utc(11, 7, 7)),  # EST
        (LORD_HOWE, "2027-10-03T01:45:00", utc(10, 2, 15, 15)),  # UTC+10:30
        (LORD_HOWE, "2027-10-03T02:30:00", utc(10, 2, 15, 30)),  # UTC+11
        (LORD_HOWE, "2027-04-04T01:15:00", utc(4, 3, 14, 15)),  # UTC+11
        (LORD_HOWE, "2027-04-04T02:00:00", utc(4, 3, 15, 30)),  # UTC+10:30
    ],
)
@at(3, 1)
def test_local_times_beside_the_change_are_understood(
    branch_in, zone: ZoneInfo, wall: str, starts_at: datetime
) -> None:
    here = branch_in(zone, hours=(MIDNIGHT, time(23)))

    visit = here.book(exact(15), wall)

    assert visit.status_code == 201, visit.content
    assert datetime.fromisoformat(visit.json()["starts_at"]) == starts_at


# --- Zones that are not whole hours apart -------------------------------------------


@pytest.mark.parametrize(
    ("zone", "first", "shown"),
    [
        (KATHMANDU, utc(6, 9, 3, 15), "09:00:00+05:45"),  # 09:00 - 5:45
        (KOLKATA, utc(6, 9, 3, 30), "09:00:00+05:30"),  # 09:00 - 5:30
        (LORD_HOWE, utc(6, 8, 22, 30), "09:00:00+10:30"),  # the evening before
        (KIRITIMATI, utc(6, 8, 19), "09:00:00+14:00"),  # the evening before
    ],
)
@at(6, 8)
def test_days_begin_by_the_clock_of_the_branch(
    branch_in, zone: ZoneInfo, first: datetime, shown: str
) -> None:
    here = branch_in(zone, hours=(time(9), time(11)), shift=(time(9), time(11)))
    service = exact(60)

    found = here.slots(service, date(2027, 6, 9))

    # An hour of work ends with the shift at 11:00: the last start is at 10:00.
    moments = [datetime.fromisoformat(slot["starts_at"]) for slot in found]
    assert moments == quarters(first, first + timedelta(hours=1))
    assert found[0]["starts_at"] == f"2027-06-09T{shown}"
    assert {slot["date"] for slot in found} == {"2027-06-09"}
    assert here.book(service, found[-1]["starts_at"]).status_code == 201


@at(6, 8)
def test_a_holiday_is_a_day_on_the_wall_calendar(branch_in) -> None:
    here = branch_in(KIRITIMATI, hours=(MIDNIGHT, time(23, 59)))
    service = exact(15)
    Holiday.objects.create(location=here.location, date=date(2027, 6, 10), name="Fair")

    before, on_it, after = (
        here.starts(service, date(2027, 6, day)) for day in (9, 10, 11)
    )

    # 10 June lasts from 9 June 10:00Z until 10 June 10:00Z there.
    assert before[-1] == utc(6, 9, 9, 45)
    assert on_it == []
    assert after[0] == utc(6, 10, 10)


# --- Shifts over midnight -------------------------------------------------------------


@pytest.mark.parametrize(
    ("evening", "first", "last"),
    [
        # Friday 22:00 EST = Saturday 03:00Z until 06:00 EST = 11:00Z: eight hours,
        # and four hours of work begin at 07:00Z at the latest.
        (date(2027, 3, 12), utc(3, 13, 3), utc(3, 13, 7)),
        # Spring: Saturday 22:00 EST = 03:00Z until 06:00 EDT = 10:00Z: seven hours.
        (date(2027, 3, 13), utc(3, 14, 3), utc(3, 14, 6)),
        # Autumn: Saturday 22:00 EDT = 02:00Z until 06:00 EST = 11:00Z: nine hours.
        (date(2027, 11, 6), utc(11, 7, 2), utc(11, 7, 7)),
    ],
)
@at(3, 1)
def test_a_night_shift_is_as_long_as_the_night(
    branch_in, evening: date, first: datetime, last: datetime
) -> None:
    here = branch_in(
        NEW_YORK,
        hours=(time(8), time(16)),
        shift=(time(22), time(6)),
        kind="on_call",
    )
    # It begins that evening and in no other night.
    WeeklyShift.objects.exclude(weekday=evening.weekday()).delete()

    found = here.starts(exact(240, is_emergency=True), evening, days=2)

    assert found == quarters(first, last)


@at(6, 8)
def test_a_certificate_ends_with_the_local_day(branch_in) -> None:
    here = branch_in(NEW_YORK, hours=(time(20), time(23, 30)))
    gas = make_skill()
    TechnicianSkill.objects.create(
        technician=here.technician, skill=gas, valid_until=date(2027, 6, 9)
    )
    service = exact(30, skills=[gas])

    # 9 June, 23:15 EDT, is 10 June 03:15Z, and still 9 June where the work is.
    assert here.starts(service, date(2027, 6, 9))[-1] == utc(6, 10, 3, 15)
    assert here.starts(service, date(2027, 6, 10)) == []


# --- Notice and horizon, a second before and after ------------------------------------


@pytest.mark.parametrize(
    ("now", "is_offered"),
    [
        ((6, 9, 14, 59, 59), True),
        ((6, 9, 15, 0, 0), True),  # two hours before 17:00Z, to the second
        ((6, 9, 15, 0, 1), False),
    ],
)
def test_notice_counts_to_the_second(branch_in, now, is_offered: bool) -> None:
    with at(*now):
        # 10:00 in Phoenix = 17:00Z.
        here = branch_in(PHOENIX, hours=(time(10), time(10, 15)))
        service = exact(60, notice_minutes=120)

        found = here.starts(service, date(2027, 6, 9))
        booked = here.book(service, "2027-06-09T10:00:00-07:00")

    assert found == ([utc(6, 9, 17)] if is_offered else [])
    assert booked.status_code == (201 if is_offered else 409)
    assert is_offered or booked.json()["reason"] == "notice"


@pytest.mark.parametrize(
    ("now", "first_work"),
    [
        # Work may begin on quarters of the window [17:00Z, 19:00Z).
        ((6, 9, 16, 0, 0), utc(6, 9, 17)),
        ((6, 9, 16, 0, 1), utc(6, 9, 17, 15)),
        ((6, 9, 17, 45, 0), utc(6, 9, 18, 45)),
        ((6, 9, 17, 45, 1), None),
    ],
)
def test_an_hours_notice_within_a_window(branch_in, now, first_work) -> None:
    with at(*now):
        here = branch_in(PHOENIX, hours=(time(10), time(11)))
        service = make_service(notice_minutes=60, window_minutes=120)

        booked = here.book(service, "2027-06-09T10:00:00-07:00").json()

    if first_work is None:
        assert booked["reason"] == "notice"
    else:
        assert datetime.fromisoformat(booked["starts_at"]) == first_work


@pytest.mark.parametrize(
    ("zone", "now", "last_day"),
    [
        # Midnight in Kiritimati is at 10:00Z.
        (KIRITIMATI, (6, 9, 9, 59, 59), date(2027, 6, 11)),
        (KIRITIMATI, (6, 9, 10, 0, 0), date(2027, 6, 12)),
        # Midnight in New York is at 05:00Z on the last day of EST ...
        (NEW_YORK, (3, 14, 4, 59, 59), date(2027, 3, 15)),
        (NEW_YORK, (3, 14, 5, 0, 0), date(2027, 3, 16)),
        # ... and at 04:00Z the day after.
        (NEW_YORK, (3, 15, 3, 59, 59), date(2027, 3, 16)),
        (NEW_YORK, (3, 15, 4, 0, 0), date(2027, 3, 17)),
        # Midnight in Kathmandu is at 18:15Z.
        (KATHMANDU, (6, 9, 18, 14, 59), date(2027, 6, 11)),
        (KATHMANDU, (6, 9, 18, 15, 0), date(2027, 6, 12)),
    ],
)
def test_the_horizon_moves_at_midnight_of_the_branch(
    branch_in, zone: ZoneInfo, now, last_day: date
) -> None:
    with at(*now):
        here = branch_in(zone, hours=(time(9), time(10)))
        service = make_service(booking_mode="exact", horizon_days=2, notice_minutes=0)

        listed = here.slots(service, last_day - timedelta(days=1), days=4)
        on_time = here.book(service, f"{last_day}T09:00:00")
        too_far = here.book(service, f"{last_day + timedelta(days=1)}T09:00:00")

    assert {slot["date"] for slot in listed} == {
        str(last_day - timedelta(days=1)),
        str(last_day),
    }
    assert on_time.status_code == 201
    assert (too_far.status_code, too_far.json()["reason"]) == (409, "horizon")


# --- Whoever asks from the other side of the date line --------------------------------


@at(6, 9, 12)
def test_tz_renders_the_same_instants_and_the_branchs_days(branch_in) -> None:
    here = branch_in(PHOENIX, hours=(time(8), time(16)))
    service = make_service(notice_minutes=0, window_minutes=240)
    day = date(2027, 6, 9)

    at_home = here.slots(service, day)
    far_east = here.slots(service, day, tz="Pacific/Kiritimati")
    far_west = here.slots(service, day, tz="Pacific/Pago_Pago")

    # 08:00 in Phoenix = 15:00Z = 05:00 of the next day at UTC+14 = 04:00 at UTC-11.
    assert [slots[0]["starts_at"] for slots in (at_home, far_east, far_west)] == [
        "2027-06-09T08:00:00-07:00",
        "2027-06-10T05:00:00+14:00",
        "2027-06-09T04:00:00-11:00",
    ]
    assert far_east[0]["display"].startswith("Thu, Jun 10, 5:00")
    for slots in (at_home, far_east, far_west):
        starts = [datetime.fromisoformat(slot["starts_at"]) for slot in slots]
        assert starts == [utc(6, 9, 15), utc(6, 9, 19)]
        assert {slot["date"] for slot in slots} == {"2027-06-09"}


@at(6, 9, 12)
def test_a_start_books_in_whatever_offset_it_is_written(branch_in) -> None:
    here = branch_in(PHOENIX, hours=(time(8), time(16)))
    service = make_service(notice_minutes=0, window_minutes=240, duration_minutes=240)

    east = here.book(service, "2027-06-10T05:00:00+14:00")
    taken = here.book(service, "2027-06-09T15:00:00Z")

    assert east.json()["window_starts_at"] == "2027-06-09T08:00:00-07:00"
    assert (taken.status_code, taken.json()["reason"]) == (409, "busy")


@at(6, 9, 10, 30)
def test_today_is_the_branchs_day(branch_in) -> None:
    # 10:30Z is 00:30 on 10 June in Kiritimati, and 03:30 on 9 June in Phoenix.
    here = branch_in(KIRITIMATI, hours=(time(9), time(10)))
    asked: dict[str, Any] = {"service": exact(60).code, "postal_code": ZIP, "days": 1}

    answer = here.office.get(
        "/api/v1/availability", asked | {"tz": "America/Phoenix"}
    ).json()

    assert {slot["date"] for slot in answer["slots"]} == {"2027-06-10"}
    # 09:00+14 = 19:00Z the day before = 12:00 in Phoenix.
    assert answer["slots"][0]["starts_at"] == "2027-06-09T12:00:00-07:00"
    assert answer["computed_at"] == "2027-06-09T03:30:00-07:00"
