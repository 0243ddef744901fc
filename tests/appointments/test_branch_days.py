"""The account of each branch's days is exact after each write, whoever writes."""

from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection
from django.db.models import Sum
from django.db.transaction import atomic

from appointments.models import Appointment, Assignment, BranchDay
from appointments.rules.states import OPEN, Status, Step
from appointments.services import branch_days
from core.db import insert_new
from core.models import Location
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_location,
    make_property,
    make_service,
    make_technician,
)

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")
FIGURES = ("visits", "unassigned", "price_cents", "planned_minutes", "worked_minutes")


def mistakes() -> list[branch_days.Mistake]:
    return branch_days.mistakes_in(location_id=None)


def account(location: Location, day: date = TOMORROW, **given) -> dict[str, int]:
    """Return the sums of a day that are not 0."""
    entries = BranchDay.objects.filter(location=location, day=day, **given)
    sums = entries.aggregate(**{name: Sum(name) for name in FIGURES})
    return {name: figure for name, figure in sums.items() if figure}


def test_postgresql_and_the_rules_agree_on_what_is_open() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status FROM unnest(%s::varchar[]) AS status"
            " WHERE is_open_visit(status)",
            [[str(status) for status in Status]],
        )
        found = {status for (status,) in cursor.fetchall()}

    assert found == {str(status) for status in OPEN}


def test_a_booked_visit_counts_on_its_day_and_a_technician_takes_it() -> None:
    technician = make_technician()
    branch = technician.location

    visit = make_appointment(location=branch, price_cents=8900)
    booked = account(branch)
    make_assignment(appointment=visit, technician=technician)

    assert booked == {"visits": 1, "unassigned": 1, "price_cents": 8900}
    assert account(branch) == {"visits": 1, "price_cents": 8900, "planned_minutes": 60}
    assert mistakes() == []


def test_a_crew_comes_and_goes_in_one_statement() -> None:
    branch = make_location()
    crew = [make_technician(location=branch) for _ in range(3)]
    visit = make_appointment(location=branch)

    Assignment.objects.bulk_create(
        Assignment(
            appointment=visit,
            technician=technician,
            is_lead=number == 0,
            occupied_from=visit.starts_at,
            occupied_until=visit.ends_at,
        )
        for number, technician in enumerate(crew)
    )
    together = account(branch)
    visit.assignments.filter(technician__in=crew[:2]).delete()
    alone = account(branch)
    visit.assignments.all().delete()

    assert together == {"visits": 1, "planned_minutes": 180}
    assert alone == {"visits": 1, "planned_minutes": 60}
    assert account(branch) == {"visits": 1, "unassigned": 1}


def test_a_visit_and_its_crew_come_in_one_statement() -> None:
    technician = make_technician()
    visit = make_appointment(location=technician.location)
    member = make_assignment(appointment=visit, technician=technician)
    Appointment.objects.all().delete()

    insert_new([visit], [member])

    assert account(technician.location) == {"visits": 1, "planned_minutes": 60}
    assert mistakes() == []


def test_nobody_comes_to_a_visit_that_is_not_there() -> None:
    technician = make_technician()
    visit = make_appointment(location=technician.location)
    member = make_assignment(appointment=visit, technician=technician)
    Assignment.objects.all().delete()
    Appointment.objects.all().delete()

    with pytest.raises(IntegrityError, match="there is no visit"), atomic():
        insert_new([member])

    assert mistakes() == []


def test_a_visit_that_moves_takes_its_figures_along() -> None:
    technician = make_technician()
    old, new = technician.location, make_location(time_zone=NEW_YORK)
    visit = make_appointment(technician=technician, price_cents=100)

    visit.starts_at, visit.ends_at = visit.starts_at + DAY, visit.ends_at + DAY
    visit.window_starts_at += DAY
    visit.window_ends_at += DAY
    visit.location = new
    visit.save()

    assert account(old) == {}
    assert account(new, TOMORROW + DAY) == {"visits": 1, "price_cents": 100}
    assert account(new) == {"planned_minutes": 60}
    assert mistakes() == []


def test_done_work_stays_counted_and_declined_work_does_not() -> None:
    technician, other = make_technician(), make_technician()
    branch = technician.location
    done = make_appointment(technician=technician)
    declined = make_appointment(location=branch)
    make_assignment(appointment=declined, technician=other)

    done.assignments.update(status=Step.DONE, released_at=NOW)
    Appointment.objects.filter(pk=done.pk).update(status=Status.COMPLETED)
    declined.assignments.update(status=Step.DECLINED, released_at=NOW)

    assert account(branch) == {"visits": 2, "unassigned": 1, "worked_minutes": 60}
    assert account(branch, status=Status.COMPLETED) == {"visits": 1}
    assert mistakes() == []


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        # The clocks go forward on March 14 and back on November 7, 2027.
        (datetime(2027, 3, 14, 4, 59, tzinfo=UTC), date(2027, 3, 13)),
        (datetime(2027, 3, 14, 5, 0, tzinfo=UTC), date(2027, 3, 14)),
        (datetime(2027, 3, 15, 3, 59, tzinfo=UTC), date(2027, 3, 14)),
        (datetime(2027, 3, 15, 4, 0, tzinfo=UTC), date(2027, 3, 15)),
        (datetime(2027, 11, 7, 3, 59, tzinfo=UTC), date(2027, 11, 6)),
        (datetime(2027, 11, 8, 4, 59, tzinfo=UTC), date(2027, 11, 7)),
        (datetime(2027, 11, 8, 5, 0, tzinfo=UTC), date(2027, 11, 8)),
    ],
)
def test_a_day_is_the_branchs_own_also_when_the_clock_moves(moment, day) -> None:
    branch = make_location(time_zone=NEW_YORK)

    make_appointment(location=branch, starts_at=moment)

    assert account(branch, day) == {"visits": 1, "unassigned": 1}


def test_a_branch_that_moves_to_another_zone_is_counted_again() -> None:
    technician = make_technician()
    branch = technician.location
    make_appointment(technician=technician, starts_at=local(TODAY, 23))

    branch.time_zone = NEW_YORK
    branch.save()

    assert account(branch, TODAY) == {}
    assert account(branch, TOMORROW) == {"visits": 1, "planned_minutes": 60}
    assert mistakes() == []


def test_entries_are_folded_into_few() -> None:
    branch = make_location()
    address, service = make_property(), make_service()
    visit = make_appointment(location=branch, property=address, service=service)

    for n in range(200):
        status = (Status.DISPATCHED, Status.SCHEDULED)[n % 2]
        Appointment.objects.filter(pk=visit.pk).update(status=status)

    assert BranchDay.objects.filter(location=branch).count() < 128 + 4
    assert account(branch) == {"visits": 1, "unassigned": 1}


def test_a_branch_takes_its_account_along() -> None:
    branch = make_location()
    make_appointment(location=branch).delete()

    branch.delete()

    assert not BranchDay.objects.exists()


class Chance:
    """A small company in which anything is written at any time."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)  # noqa: S311  # no secret
        self.branches = [make_location(), make_location(time_zone=NEW_YORK)]
        self.crew = [make_technician(location=b) for b in self.branches * 2]
        self.services = [
            make_service(duration_minutes=minutes, price_cents=minutes * 100)
            for minutes in (30, 90)
        ]
        self.address = make_property()

    def visit(self) -> Appointment | None:
        visits = list(Appointment.objects.order_by("pk"))
        return self.dice.choice(visits) if visits else None

    def step(self) -> None:
        deed = self.dice.choice([self.book] * 3 + [self.assign] * 3 + self.deeds)
        deed()

    @property
    def deeds(self):
        return [
            self.move,
            self.set_status,
            self.change_branch,
            self.release,
            self.unassign,
            self.delete,
            self.many_at_once,
            self.reprice,
        ]

    def book(self) -> None:
        service = self.dice.choice(self.services)
        make_appointment(
            location=self.dice.choice(self.branches),
            property=self.address,
            service=service,
            starts_at=NOW + self.dice.randrange(96) * HOUR / 2,
            price_cents=service.price_cents,
            currency=self.dice.choice(["USD", "CAD"]),
        )

    def assign(self) -> None:
        visit = self.visit()
        if visit is None:
            return
        free = [
            one
            for one in self.crew
            if not one.assignments.holding()
            .filter(occupied_from__lt=visit.ends_at, occupied_until__gt=visit.starts_at)
            .exists()
        ]
        on_it = visit.assignments.holding().exists()
        for technician in free[: self.dice.randrange(1, 3)]:
            make_assignment(appointment=visit, technician=technician, is_lead=not on_it)
            on_it = True

    def move(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.assignments.all().delete()
            shift = self.dice.randrange(-48, 48) * HOUR
            for name in ("starts_at", "ends_at", "window_starts_at", "window_ends_at"):
                setattr(visit, name, getattr(visit, name) + shift)
            visit.save()

    def set_status(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.status = self.dice.choice(list(Status))
            visit.cancellation_reason = "Rain"
            visit.save()

    def change_branch(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.location = self.dice.choice(self.branches)
            visit.save(update_fields=["location"])

    def release(self) -> None:
        row = self.dice.choice([None, *Assignment.objects.holding().order_by("pk")])
        if row is not None:
            row.status = self.dice.choice([Step.DONE, Step.DECLINED, Step.ON_SITE])
            row.released_at = NOW
            row.save()

    def unassign(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.assignments.all().delete()

    def delete(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.delete()

    def many_at_once(self) -> None:
        keys = list(Appointment.objects.order_by("pk").values_list("pk", flat=True))
        some = self.dice.sample(keys, k=min(len(keys), self.dice.randrange(5)))
        chosen = Appointment.objects.filter(pk__in=some)
        chosen.update(status=self.dice.choice(sorted(OPEN)))
        Assignment.objects.filter(appointment__in=chosen).update(
            released_at=NOW, status=Step.DONE
        )

    def reprice(self) -> None:
        visit = self.visit()
        if visit is not None:
            visit.price_cents, visit.currency = self.dice.randrange(999), "EUR"
            visit.save()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_written_the_account_is_right_after_each_write(seed) -> None:
    company = Chance(seed)

    for number in range(60):
        company.step()
        assert mistakes() == [], number

    assert BranchDay.objects.exists()


def test_a_copy_of_rows_is_counted_as_well() -> None:
    technician = make_technician()
    made = [
        make_appointment(location=technician.location, starts_at=NOW + n * DAY)
        for n in range(3)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM appointments_appointment")
        cursor.execute("CREATE TEMP TABLE kept AS TABLE appointments_appointment")
        Appointment.objects.all().delete()
        nothing = account(technician.location, TODAY)
        with cursor.copy("COPY kept TO STDOUT") as rows:
            text = b"".join(bytes(row) for row in rows)
        with cursor.copy("COPY appointments_appointment FROM STDIN") as rows:
            rows.write(text)

    assert nothing == {}
    assert Appointment.objects.count() == len(made)
    assert account(technician.location, TODAY) == {"visits": 1, "unassigned": 1}
    assert mistakes() == []
