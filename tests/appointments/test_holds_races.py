"""Holds that many people want at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from rest_framework.test import APIClient

from appointments import services
from appointments.models import Appointment, Assignment, Cap, Hold
from appointments.services import BookingRequest, HoldRequest, SlotUnavailable
from appointments.services.locking import lock_technicians
from core.actors import ANONYMOUS, SYSTEM
from core.errors import DomainError
from core.models import Event
from leads.services import issue_booking_token
from tests.appointments.conftest import Company, make_company
from tests.appointments.test_races import BUYERS, at_once, overlaps, tally
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_lead,
    make_property,
    make_service,
    make_technician,
    make_time_off,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

EIGHT = local(TOMORROW, 8)
TEN = local(TOMORROW, 10)
TICK = timedelta(microseconds=1)


@pytest.fixture
def company() -> Company:
    """A company whose window at eight can be kept exactly once."""
    company = make_company()
    company.service = make_service(duration_minutes=120, hold_minutes=15)
    return company


def keep(company, *, starts_at=EIGHT, now=NOW, **given) -> tuple[Hold, str]:
    request = HoldRequest(
        service=company.service, postal_code="85004", starts_at=starts_at, **given
    )
    return services.hold(request=request, actor=ANONYMOUS, now=now)


def book(company, *, now=NOW, starts_at=EIGHT, **given) -> Appointment:
    request = BookingRequest(service=company.service, starts_at=starts_at, **given)
    return services.book(request=request, actor=SYSTEM, now=now)


def deadlocks() -> int:
    """Return how many there were: `at_once` tries again after one, as the API does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_twenty_visitors_of_one_slot_are_one_hold(company) -> None:
    results = at_once(lambda _: keep(company))

    assert tally(results) == {"tuple": 1, "SlotUnavailable": BUYERS - 1}
    assert Hold.objects.count() == Assignment.objects.count() == 1


def test_three_free_technicians_are_held_by_exactly_three(company) -> None:
    for _ in range(2):
        make_technician(location=company.branch)

    results = at_once(lambda _: keep(company))

    assert tally(results) == {"tuple": 3, "SlotUnavailable": BUYERS - 3}
    assert Assignment.objects.values("technician").distinct().count() == 3


def test_holding_against_booking(company) -> None:
    homes = [make_property() for _ in range(BUYERS)]

    def work(number: int) -> object:
        if number % 2:
            return keep(company)
        return book(company, property=homes[number])

    results = at_once(work)

    winners = tally(results)
    assert winners.pop("SlotUnavailable") == BUYERS - 1
    assert list(winners.values()) == [1]
    assert Assignment.objects.count() == 1


def test_one_token_books_one_visit(company) -> None:
    make_technician(location=company.branch)
    homes = [make_property() for _ in range(BUYERS)]
    _, token = keep(company)

    results = at_once(lambda n: book(company, property=homes[n], hold=token))

    assert tally(results) == {"Appointment": 1, "HoldExpired": BUYERS - 1}
    assert Assignment.objects.count() == 1
    assert Event.objects.filter(name="appointment.booked").count() == 1


def test_one_token_books_one_visit_even_after_its_end(company) -> None:
    make_technician(location=company.branch)
    homes = [make_property() for _ in range(BUYERS)]
    kept, token = keep(company)

    results = at_once(
        lambda n: book(company, property=homes[n], hold=token, now=kept.expires_at)
    )

    assert tally(results) == {"Appointment": 1, "HoldExpired": BUYERS - 1}


def test_the_lead_that_holds_books_once(company) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")
    _, token = keep(company, lead_id=lead.pk)

    results = at_once(lambda _: book(company, lead_id=lead.pk, hold=token))

    assert tally(results) == {"Appointment": 1, "AlreadyConverted": BUYERS - 1}


def test_at_its_end_either_the_holder_or_somebody_else_has_the_slot(company) -> None:
    """The holder's clock is just before the end, the others' is at it."""
    homes = [make_property() for _ in range(BUYERS)]
    kept, token = keep(company)

    def work(number: int) -> object:
        if number == 0:
            now = kept.expires_at - TICK
            return book(company, property=homes[0], hold=token, now=now)
        return book(company, property=homes[number], now=kept.expires_at)

    results = at_once(work)

    assert tally(results)["Appointment"] == 1
    assert set(tally(results)) <= {"Appointment", "SlotUnavailable", "HoldExpired"}
    assert Assignment.objects.exclude(appointment=None).count() == 1
    assert overlaps() == 0


def test_a_hold_that_is_over_goes_to_exactly_one(company) -> None:
    homes = [make_property() for _ in range(BUYERS)]
    kept, _ = keep(company)

    def work(number: int) -> object:
        if number % 2:
            return keep(company, now=kept.expires_at)
        return book(company, property=homes[number], now=kept.expires_at)

    results = at_once(work)

    assert tally(results)["SlotUnavailable"] == BUYERS - 1
    assert Assignment.objects.count() == 1


def test_an_address_holds_no_more_than_it_may(company, settings) -> None:
    settings.HOLDS_PER_ADDRESS = 5
    for _ in range(BUYERS - 1):
        make_technician(location=company.branch)

    results = at_once(lambda _: keep(company, network_address="203.0.113.7"))

    assert tally(results) == {"tuple": 5, "TooManyHolds": BUYERS - 5}
    assert Hold.objects.count() == 5


def test_a_visitor_in_twenty_windows_has_one_hold(company) -> None:
    visitor = uuid4()
    for _ in range(3):
        make_technician(location=company.branch)

    def work(number: int) -> object:
        return keep(
            company, visitor=visitor, starts_at=local(TOMORROW, 8 + 2 * (number % 4))
        )

    results = at_once(work)

    assert tally(results) == {"tuple": BUYERS}
    assert Hold.objects.count() == Assignment.objects.count() == 1


def test_visitors_who_change_their_minds_all_the_time_meet_no_deadlock(company) -> None:
    """Each replaces his hold several times, on the same few technicians."""
    for _ in range(3):
        make_technician(location=company.branch)
    visitors = [uuid4() for _ in range(BUYERS)]

    def work(number: int) -> object:
        outcomes = set()
        for turn in range(4):
            hour = 8 + 2 * ((number + turn * (1 + number % 3)) % 4)
            try:
                keep(
                    company,
                    visitor=visitors[number],
                    starts_at=local(TOMORROW, hour),
                )
                outcomes.add("held")
            except SlotUnavailable:
                outcomes.add("taken")
        return frozenset(outcomes)

    before = deadlocks()
    results = at_once(work)

    assert tally(results) == {"frozenset": BUYERS}
    assert deadlocks() == before
    assert overlaps() == 0
    several = Hold.objects.values("visitor").annotate(n=Count("pk")).filter(n__gt=1)
    assert not several
    assert not Hold.objects.filter(assignments=None).exists()
    # Four technicians have four windows each.
    assert 0 < Hold.objects.count() == Assignment.objects.count() <= 16


def test_a_crew_is_held_whole_or_not_at_all(company) -> None:
    company.service = make_service(duration_minutes=120, crew_size=2)
    for _ in range(4):  # five in all: two crews
        make_technician(location=company.branch)

    results = at_once(lambda _: keep(company))

    assert tally(results) == {"tuple": 2, "SlotUnavailable": BUYERS - 2}
    sizes = Hold.objects.annotate(n=Count("assignments")).values_list("n", flat=True)
    assert list(sizes) == [2, 2]


def test_booking_letting_go_and_replacing_at_once(company) -> None:
    """Whatever comes first, the token books at most once and the time is one's."""
    home = make_property()
    kept, token = keep(company, visitor=(visitor := uuid4()))

    def work(number: int) -> object:
        match number % 3:
            case 0:
                return book(company, property=home, hold=token)
            case 1:
                services.release(hold_id=kept.pk, token=token, now=NOW)
                return None
            case _:
                return keep(company, visitor=visitor)

    results = at_once(work)

    assert Appointment.objects.count() <= 1
    assert Assignment.objects.count() <= 1
    kinds = {"Appointment", "HoldExpired", "NotFound", "NoneType", "tuple"}
    assert set(tally(results)) <= kinds | {"SlotUnavailable"}


def test_a_cap_holds_while_holds_become_visits(company) -> None:
    """A hold that is just being booked is never counted as neither of the two."""
    for _ in range(BUYERS - 1):
        make_technician(location=company.branch)
    cap = Cap.objects.create(location=company.branch, most=BUYERS // 2)
    tokens = [keep(company)[1] for _ in range(cap.most)]
    homes = [make_property() for _ in range(BUYERS)]

    def work(number: int) -> object:
        if number < cap.most:
            return book(company, property=homes[number], hold=tokens[number])
        return book(company, property=homes[number], starts_at=TEN)

    results = at_once(work)

    assert tally(results) == {"Appointment": cap.most, "SlotUnavailable": cap.most}
    assert Appointment.objects.count() == cap.most


def while_somebody_has(technician, work: Callable[[], object]) -> Future[object]:
    """Start `work` while the caller's transaction has the technician's lock.

    Returns when it waits for it, or is over where it does not.
    """
    lock_technicians([technician.pk])

    def run() -> object:
        try:
            return work()
        except DomainError as refused:
            return refused
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(run)
    pool.shutdown(wait=False)
    wait([future], timeout=0.5)
    return future


def test_a_hold_that_moves_takes_its_turn_at_the_technician_it_leaves(company) -> None:
    """Or two visitors who leave each other's technician would wait in a circle."""
    visitor, busy = uuid4(), company.technician
    keep(company, visitor=visitor)
    make_technician(location=company.branch)
    make_time_off(technician=busy, starts_at=TEN, ends_at=local(TOMORROW, 12))

    with transaction.atomic():
        moving = while_somebody_has(
            busy, lambda: keep(company, visitor=visitor, starts_at=TEN)
        )
        waited = not moving.done()

    assert isinstance(moving.result(), tuple)
    assert waited
    assert Assignment.objects.get().occupied_from == TEN


def test_an_absence_entered_while_the_hold_is_booked_is_seen(company) -> None:
    _, token = keep(company)
    home = make_property()

    with transaction.atomic():
        booking = while_somebody_has(
            company.technician, lambda: book(company, property=home, hold=token)
        )
        make_time_off(technician=company.technician, starts_at=EIGHT, ends_at=TEN)

    refused = booking.result()
    assert isinstance(refused, SlotUnavailable)
    assert refused.extra["reason"] == "time_off"
    assert not Appointment.objects.exists()


# --- As a website sees it -----------------------------------------------------------


def post_at_once(bodies: list[dict[str, str]], *, path: str, address: str = "") -> Any:
    """Post from as many visitors; each has an address of his own unless it is given."""

    def send(number: int) -> Any:
        client = APIClient(raise_request_exception=False)
        return client.post(
            f"/api/v1/{path}",
            bodies[number],
            format="json",
            REMOTE_ADDR=address or f"203.0.113.{number}",
        )

    return at_once(send, count=len(bodies))


def statuses(answers: Any) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.fixture
def _on_monday():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.mark.usefixtures("_on_monday")
def test_twenty_browsers_want_one_slot(company) -> None:
    wish = {
        "service": company.service.code,
        "postal_code": "85004",
        "starts_at": EIGHT.isoformat(),
    }

    answers = post_at_once([wish] * BUYERS, path="holds")

    assert statuses(answers) == {201: 1, 409: BUYERS - 1}
    assert Hold.objects.count() == 1


@pytest.mark.usefixtures("_on_monday")
def test_twenty_browsers_behind_one_address(company) -> None:
    for _ in range(BUYERS - 1):
        make_technician(location=company.branch)
    wish = {
        "service": company.service.code,
        "postal_code": "85004",
        "starts_at": EIGHT.isoformat(),
    }

    answers = post_at_once([wish] * BUYERS, path="holds", address="203.0.113.7")

    assert statuses(answers) == {201: 5, 429: BUYERS - 5}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(0 < int(answer["Retry-After"]) <= 15 * 60 for answer in refused)


@pytest.mark.usefixtures("_on_monday")
def test_one_token_posted_by_twenty_browsers(company) -> None:
    make_technician(location=company.branch)
    _, token = keep(company, now=timezone.now())
    leads = [make_lead(line1="1 Elm St", city="Phoenix") for _ in range(BUYERS)]
    bodies = [
        {
            "service": company.service.code,
            "starts_at": EIGHT.isoformat(),
            "lead": str(lead.pk),
            "booking_token": issue_booking_token(lead),
            "hold": token,
        }
        for lead in leads
    ]

    answers = post_at_once(bodies, path="appointments")

    assert statuses(answers) == {201: 1, 410: BUYERS - 1}
    assert Appointment.objects.count() == 1
