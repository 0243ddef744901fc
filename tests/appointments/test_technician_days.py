"""The triggers keep technicians' days exact, whoever writes and however."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from appointments.models import Appointment, Assignment, Hold, TechnicianDay
from appointments.rules import slots
from appointments.rules.states import Step
from config.demo.company import born
from config.demo.copying import copy_in
from core.db import retry_contention
from technicians.models import Technician
from tests.appointments.conftest import Company, make_company
from tests.appointments.packing import expected_days, packed_days
from tests.crowds import at_once
from tests.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_technician,
)

MIDNIGHT = datetime(2027, 3, 3, tzinfo=UTC)


def days_of(technician) -> dict[date, int]:
    """Return how many stops each packed day of the technician has."""
    rows = TechnicianDay.objects.filter(technician=technician).order_by("day")
    return {row.day: len(slots.live([bytes(row.stops)], now=NOW)) for row in rows}


def version_of(technician, day: date) -> int:
    return TechnicianDay.objects.get(technician=technician, day=day).version


def occupy(technician, start: datetime, end: datetime) -> Assignment:
    """Take the technician's time for a visit of its own."""
    visit = make_appointment(location=technician.location, starts_at=start, ends_at=end)
    return make_assignment(appointment=visit, technician=technician)


@pytest.fixture
def technician(db):
    return make_technician()


# --- Which days a visit touches: UTC days, whatever the clock on the wall does -----


def test_a_visit_over_midnight_utc_is_on_both_days(technician) -> None:
    occupy(technician, MIDNIGHT - HOUR, MIDNIGHT + HOUR)

    assert days_of(technician) == {date(2027, 3, 2): 1, date(2027, 3, 3): 1}
    assert packed_days() == expected_days()


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (MIDNIGHT - HOUR, MIDNIGHT, [2]),
        (MIDNIGHT, MIDNIGHT + HOUR, [3]),
        (MIDNIGHT - HOUR, MIDNIGHT + timedelta(microseconds=1), [2, 3]),
        (MIDNIGHT - DAY, MIDNIGHT + DAY, [2, 3]),
        (MIDNIGHT - DAY, MIDNIGHT + DAY + MINUTE, [2, 3, 4]),
    ],
)
def test_an_interval_that_ends_at_midnight_does_not_touch_the_next_day(
    technician, start, end, days
) -> None:
    occupy(technician, start, end)

    assert [day.day for day in days_of(technician)] == days
    assert packed_days() == expected_days()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        # New York, 2027-03-14: from 06:30 UTC (1:30 EST) to 07:30 UTC (3:30 EDT).
        ("2027-03-14T06:30Z", "2027-03-14T07:30Z"),
        # 2027-11-07: 05:30 UTC is 1:30 EDT, 06:30 UTC is 1:30 EST.
        ("2027-11-07T05:30Z", "2027-11-07T06:30Z"),
        # Lord Howe moves by half an hour at 15:30 UTC on 2027-04-03.
        ("2027-04-03T15:00Z", "2027-04-03T16:00Z"),
    ],
)
def test_an_hour_is_an_hour_on_the_nights_the_clock_moves(
    technician, start, end
) -> None:
    row = occupy(technician, MIDNIGHT, MIDNIGHT + HOUR)
    with connection.cursor() as cursor:
        # The session's own zone must not matter either.
        cursor.execute("SET LOCAL TIME ZONE 'America/New_York'")
        cursor.execute(
            "UPDATE appointments_assignment SET occupied_from = %s, occupied_until = %s"
            " WHERE id = %s",
            [start, end, row.pk],
        )
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")

    (packed,) = packed_days().values()
    ((first, last, *_),) = slots.live([packed], now=NOW)

    assert last - first == 60
    assert packed_days() == expected_days()


def test_seconds_are_rounded_outwards(technician) -> None:
    start = local(TOMORROW, 9)
    occupy(technician, start + timedelta(seconds=59), start + timedelta(seconds=61))

    (packed,) = packed_days().values()
    ((first, last, *_),) = slots.live([packed], now=NOW)

    assert (first, last) == (slots.to_minute(start), slots.to_minute(start) + 2)


# --- What changes a day, and what does not ------------------------------------------


def test_a_technicians_steps_change_no_day(technician) -> None:
    row = occupy(technician, local(TOMORROW, 9), local(TOMORROW, 10))
    before = version_of(technician, TOMORROW)

    row.status = Step.EN_ROUTE
    row.save()

    assert version_of(technician, TOMORROW) == before


@pytest.mark.parametrize(
    "change",
    [
        {"occupied_until": local(TOMORROW, 11)},
        {"released_at": NOW},
        {"latitude": 33.5, "longitude": -112.1},
    ],
    ids=", ".join,
)
def test_what_slots_depend_on_makes_a_new_version(technician, change) -> None:
    row = occupy(technician, local(TOMORROW, 9), local(TOMORROW, 10))
    before = version_of(technician, TOMORROW)

    Assignment.objects.filter(pk=row.pk).update(**change)

    assert version_of(technician, TOMORROW) > before
    assert packed_days() == expected_days()


def test_a_move_to_another_day_frees_the_old_one(technician) -> None:
    row = occupy(technician, local(TOMORROW, 9), local(TOMORROW, 10))

    Assignment.objects.filter(pk=row.pk).update(
        occupied_from=F("occupied_from") + DAY, occupied_until=F("occupied_until") + DAY
    )

    assert days_of(technician) == {TOMORROW: 0, TOMORROW + DAY: 1}


def test_a_change_of_technician_is_seen_on_both(technician) -> None:
    other = make_technician(location=technician.location)
    row = occupy(technician, local(TOMORROW, 9), local(TOMORROW, 10))

    Assignment.objects.filter(pk=row.pk).update(technician=other)

    assert days_of(technician) == {TOMORROW: 0}
    assert days_of(other) == {TOMORROW: 1}


def test_what_is_rolled_back_was_never_there(technician) -> None:
    occupy(technician, local(TOMORROW, 9), local(TOMORROW, 10))
    before = packed_days(), version_of(technician, TOMORROW)

    with transaction.atomic():
        occupy(technician, local(TOMORROW, 12), local(TOMORROW, 13))
        assert packed_days() != before[0]
        transaction.set_rollback(True)

    assert (packed_days(), version_of(technician, TOMORROW)) == before


# --- Any writes in any order ---------------------------------------------------------


class Scribe:
    """Writes assignments at random, in every way there is."""

    def __init__(self, company: Company, *, seed: object) -> None:
        self.dice = Random(str(seed))  # noqa: S311  # no secret
        self.company = company
        self.technicians = list(Technician.objects.order_by("pk"))
        self.ways: list[Callable[[], None]] = [
            self.save_one,
            self.create_many,
            self.insert_raw,
            self.copy,
            self.hold,
            self.extend_holds,
            self.move_some,
            self.hand_over,
            self.exchange,
            self.release_some,
            self.take_back,
            self.relocate,
            self.delete_visit,
            self.delete_holds,
            self.delete_raw,
        ]

    def write(self) -> bool:
        """Write something; False where the database refused an overlap."""
        try:
            with transaction.atomic():
                self.dice.choice(self.ways)()
        except IntegrityError:
            return False
        return True

    def draw(self, **given) -> Assignment:
        start = MIDNIGHT + self.dice.randrange(-72 * 12, 72 * 12) * 5 * MINUTE
        end = start + self.dice.randrange(1, 400) * MINUTE
        if "hold" not in given:
            given["appointment"] = make_appointment(
                location=self.company.branch,
                service=self.company.service,
                property=self.company.property,
            )
        latitude = self.dice.choice([None, self.dice.uniform(-90, 90)])
        return Assignment(
            technician=self.dice.choice(self.technicians),
            occupied_from=start,
            occupied_until=end,
            latitude=latitude,
            longitude=latitude and self.dice.uniform(-180, 180),
            **given | born(NOW),
        )

    def some(self, *, held: bool | None = None):
        rows = Assignment.objects.all()
        if held is not None:
            rows = rows.filter(hold__isnull=not held)
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        size = min(len(keys), self.dice.randrange(1, 4))
        return Assignment.objects.filter(pk__in=self.dice.sample(keys, size))

    def save_one(self) -> None:
        self.draw().save()

    def create_many(self) -> None:
        Assignment.objects.bulk_create([self.draw() for _ in range(3)])

    def insert_raw(self) -> None:
        row = self.draw()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO appointments_assignment (id, appointment_id,"
                " technician_id, status, is_lead, part, occupied_from, occupied_until)"
                " VALUES (%s, %s, %s, 'assigned', true, 0, %s, %s)",
                [
                    row.pk,
                    row.appointment_id,
                    row.technician_id,
                    row.occupied_from,
                    row.occupied_until,
                ],
            )

    def copy(self) -> None:
        with connection.wrap_database_errors:
            copy_in([self.draw() for _ in range(3)])

    def hold(self) -> None:
        number = self.dice.getrandbits(128)
        hold = Hold.objects.create(
            token_hash=f"{number:x}",
            visitor=f"{number:x}",
            location=self.company.branch,
            service=self.company.service,
            window_starts_at=MIDNIGHT,
            window_ends_at=MIDNIGHT + HOUR,
            starts_at=MIDNIGHT,
            ends_at=MIDNIGHT + HOUR,
            expires_at=NOW + HOUR,
        )
        until = NOW + timedelta(microseconds=self.dice.randrange(10**10))
        self.draw(hold=hold, held_until=until).save()

    def extend_holds(self) -> None:
        self.some(held=True).update(held_until=F("held_until") + MINUTE)

    def move_some(self) -> None:
        by = self.dice.randrange(-30, 30) * HOUR
        self.some().update(
            occupied_from=F("occupied_from") + by,
            occupied_until=F("occupied_until") + by,
        )

    def hand_over(self) -> None:
        self.some().update(technician=self.dice.choice(self.technicians))

    def exchange(self) -> None:
        """Exchange two technicians' rows in one statement, as a swap does."""
        first, second = self.dice.sample(self.technicians, 2)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS technician_is_in_one_place DEFERRED")
            cursor.execute(
                "UPDATE appointments_assignment SET technician_id ="
                " CASE technician_id WHEN %(a)s THEN %(b)s ELSE %(a)s END"
                " WHERE technician_id IN (%(a)s, %(b)s)",
                {"a": first.pk, "b": second.pk},
            )
            cursor.execute("SET CONSTRAINTS technician_is_in_one_place IMMEDIATE")

    def release_some(self) -> None:
        self.some().update(released_at=NOW)

    def take_back(self) -> None:
        self.some().update(released_at=None)

    def relocate(self) -> None:
        self.some().update(latitude=self.dice.uniform(-90, 90), longitude=0)

    def delete_visit(self) -> None:
        Appointment.objects.filter(assignments__in=self.some(held=False)).delete()

    def delete_holds(self) -> None:
        Hold.objects.filter(assignments__in=self.some(held=True)).delete()

    def delete_raw(self) -> None:
        keys = list(self.some().values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM appointments_assignment WHERE id = ANY(%s)", [keys]
            )


@pytest.fixture
def crew(company: Company) -> Company:
    """Return the company with three technicians."""
    for _ in range(2):
        make_technician(location=company.branch)
    return company


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_written_the_days_say_the_same(crew, seed) -> None:
    scribe = Scribe(crew, seed=seed)

    for step in range(60):
        scribe.write()
        assert packed_days() == expected_days(), f"after step {step}"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_whoever_writes_at_once_the_days_say_the_same() -> None:
    company = make_company()
    for _ in range(2):
        make_technician(location=company.branch)

    def write(number: int) -> int:
        scribe = Scribe(company, seed=number)
        return sum(retry_contention(scribe.write, tries=10) for _ in range(25))

    done = at_once(write)

    assert all(isinstance(count, int) for count in done), done
    assert sum(done) > 50
    assert Assignment.objects.holding().count() > 5
    assert packed_days() == expected_days()
