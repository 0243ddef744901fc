"""Crowds at slots that somebody keeps, at full days and at requests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from appointments.models import Appointment, Assignment, Cap, Hold
from core.models import Event
from tests.factories import DAY, make_appointment, make_service
from tests.races.audit import audit
from tests.races.conftest import make_company, make_exact
from tests.races.crowd import (
    Answer,
    approve,
    cancel,
    release,
    reschedule,
    swap,
    tally,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def expire(kept: Answer, *, at: datetime) -> None:
    """Let a hold end then: none lasts less than a minute by itself."""
    Hold.objects.filter(pk=kept.json()["id"]).update(expires_at=at)
    Assignment.objects.filter(hold=kept.json()["id"]).update(held_until=at)


def booked(answers: list[Answer]) -> list[dict[str, Any]]:
    return [answer.json() for answer in answers if answer.status == 201]


# --- Crews ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crew_size", "technicians", "crews"), [(2, 8, 4), (3, 8, 2), (3, 2, 0)]
)
def test_as_many_crews_come_as_there_are_hands(
    crowd, crew_size: int, technicians: int, crews: int
) -> None:
    company = make_company(technicians=technicians)
    service = make_service(duration_minutes=120, crew_size=crew_size)

    answers = crowd.at_once(company.buyers(24, of=service, at=company.at(8)))

    assert tally(answers)[201] == crews
    assert tally(answers)["slot_unavailable"] == 24 - crews
    audit(answers)


def test_crews_asked_for_in_shuffled_order_neither_mix_nor_wait_in_circles(
    crowd,
) -> None:
    company = make_company(technicians=6)
    pair = make_service(duration_minutes=120, crew_size=2)
    alone = make_service(duration_minutes=120)
    # Every third, fifth and so on: neighbours in the queue ask for different leads.
    leads = [company.technicians[n * 5 % 6].pk for n in range(48)]

    answers = crowd.at_once(
        [
            company.booking(
                pair if n % 3 else alone, company.at(8), technician=str(lead)
            )
            for n, lead in enumerate(leads)
        ]
    )

    assert set(tally(answers)) == {201, "slot_unavailable"}
    taken = Assignment.objects.filter(technician__in=company.technicians)
    # Whoever is left over is at most one: two would have been a crew.
    assert 5 <= taken.count() <= 6
    audit(answers)


# --- Holds ----------------------------------------------------------------------------


def test_the_last_slot_is_kept_for_one_of_a_hundred_visitors(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)

    answers = crowd.at_once(
        [company.holding(service, company.at(8)) for _ in range(100)]
    )

    assert tally(answers) == {201: 1, "slot_unavailable": 99}
    assert Hold.objects.count() == 1
    audit(answers)


def test_visitors_who_keep_and_buyers_who_book_share_what_is_there(crowd) -> None:
    company = make_company(technicians=5)
    service = make_service(duration_minutes=120)
    calls = company.buyers(20, of=service, at=company.at(8))
    calls += [company.holding(service, company.at(8)) for _ in range(20)]

    answers = crowd.at_once(calls)

    assert tally(answers) == {201: 5, "slot_unavailable": 35}
    audit(answers)


def test_a_visitor_of_many_tabs_keeps_one_slot(crowd) -> None:
    company = make_company(technicians=3)
    service = make_exact(60)
    me = str(uuid4())

    answers = crowd.at_once(
        [company.holding(service, company.at(8 + n % 8), visitor=me) for n in range(24)]
    )

    assert tally(answers) == {201: 24}
    assert Hold.objects.count() == Assignment.objects.count() == 1
    audit(answers)


def test_a_kept_slot_is_booked_once_however_often_it_is_paid(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)
    kept = crowd.ask(company.holding(service, company.at(8)))
    mine = [
        company.booking(service, company.at(8), hold=kept.json()["token"])
        for _ in range(10)
    ]

    answers = crowd.at_once(
        [*mine, *company.buyers(10, of=service, at=company.at(8)), release(kept)]
    )

    # Either it was booked first, or let go first and then booked by anybody.
    outcome = tally(answers)
    assert outcome[201] == 1
    assert sum(outcome.values()) == 21
    assert set(outcome) <= {201, 204, "slot_unavailable", "hold_expired", "not_found"}
    assert not Hold.objects.exists()
    audit(answers)


@pytest.mark.parametrize("early", [0.0, 0.02, 0.3])
def test_a_hold_that_ends_in_this_millisecond_is_honoured_or_free(
    crowd, early: float
) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)
    kept = crowd.ask(company.holding(service, company.at(8)))
    others = company.buyers(30, of=service, at=company.at(8))
    mine = company.booking(service, company.at(8), hold=kept.json()["token"])
    end = datetime.now(UTC) + timedelta(seconds=0.8)
    expire(kept, at=end)

    # The owner comes at the end, or a little before; others from then on, each
    # millisecond. Who is late by the clock of the server finds what is left.
    answers = crowd.at_once(
        [
            mine.at(end - timedelta(seconds=early)),
            *(
                other.at(end + timedelta(milliseconds=n - 15))
                for n, other in enumerate(others)
            ),
        ]
    )

    assert tally(answers)[201] == 1
    assert set(tally(answers)) <= {201, "slot_unavailable", "hold_expired"}
    assert Appointment.objects.count() == Assignment.objects.count() == 1
    audit(answers)


def test_a_hold_that_is_over_frees_its_slot_and_nobody_has_to_tidy_up(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)
    kept = crowd.ask(company.holding(service, company.at(8)))

    refused = crowd.at_once(company.buyers(10, of=service, at=company.at(8)))
    expire(kept, at=datetime.now(UTC))
    answers = crowd.at_once(company.buyers(10, of=service, at=company.at(8)))

    assert {answer.json()["reason"] for answer in refused} == {"held"}
    assert tally(answers) == {201: 1, "slot_unavailable": 9}
    audit([*refused, *answers])


# --- Days that are full ---------------------------------------------------------------


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_cap_of_four_with_three_taken_takes_one_more(crowd, is_kept: bool) -> None:
    company = make_company(technicians=8)
    service = make_exact(60)
    Cap.objects.create(location=company.branch, service=service, most=4)
    for hour in (8, 9, 10):
        make_appointment(
            technician=company.technicians[0],
            service=service,
            starts_at=company.at(hour),
        )
    # Everybody wants another hour, of anybody: only the cap stands in the way.
    hours = [company.at(8 + n % 9) for n in range(40)]
    calls = [
        company.holding(service, at)
        if is_kept and n % 2
        else company.booking(service, at)
        for n, at in enumerate(hours)
    ]

    answers = crowd.at_once(calls)

    assert tally(answers) == {201: 1, "slot_unavailable": 39}
    refused = {answer.json()["reason"] for answer in answers if answer.status == 409}
    assert refused == {"cap"}
    audit(answers)


def test_a_full_day_takes_as_many_as_leave_it(crowd) -> None:
    company = make_company(technicians=4)
    service = make_exact(60)
    Cap.objects.create(location=company.branch, most=4)
    visits = [
        make_appointment(
            technician=technician, service=service, starts_at=company.at(8)
        )
        for technician in company.technicians
    ]

    answers = crowd.at_once(
        [
            *company.buyers(20, of=service, at=company.at(10)),
            cancel(visits[0].pk),
            reschedule(visits[1].pk, to=company.at(10) + DAY),
        ]
    )
    late = crowd.at_once(company.buyers(5, of=service, at=company.at(12)))

    assert tally(answers)[200] == 2
    assert tally([*answers, *late])[201] == 2
    audit([*answers, *late])


# --- Swaps and requests ---------------------------------------------------------------


@pytest.mark.parametrize("number", range(3))
def test_swapping_while_both_are_moved(crowd, number: int) -> None:
    company = make_company(technicians=2)
    service = make_exact(60)
    first, second = (
        make_appointment(
            technician=technician, service=service, starts_at=company.at(9)
        )
        for technician in company.technicians
    )

    answers = crowd.at_once(
        [
            swap(first.pk, second.pk),
            swap(second.pk, first.pk),
            reschedule(first.pk, to=company.at(14)),
            reschedule(second.pk, to=company.at(14)),
            swap(first.pk, second.pk, exchange="plans"),
            *company.buyers(3, of=service, at=company.at(9)),
        ]
    )

    assert set(tally(answers)) <= {200, 201, "slot_unavailable", "not_swappable"}
    audit([answer for answer in answers if "swap" not in answer.call.path])


def test_of_ten_requests_for_one_slot_one_is_approved(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120, requires_approval=True)
    requests = [
        make_appointment(
            location=company.branch,
            service=service,
            starts_at=company.at(8),
            status="requested",
        )
        for _ in range(10)
    ]

    answers = crowd.at_once(
        [
            *(approve(request.pk) for request in requests),
            *company.buyers(10, of=service, at=company.at(8)),
        ]
    )

    outcome = tally(answers)
    assert outcome[200] + outcome[201] == 1
    assert outcome["slot_unavailable"] == 19
    asked = Appointment.objects.filter(status="requested").count()
    assert asked == 10 - outcome[200], "whoever was not approved still asks"
    audit(answers)


def test_one_request_is_approved_once_however_many_approve_it(crowd) -> None:
    company = make_company(technicians=3)
    request = make_appointment(
        location=company.branch,
        service=make_exact(60),
        starts_at=company.at(9),
        status="requested",
    )

    answers = crowd.at_once([approve(request.pk)] * 20)

    assert tally(answers) == {200: 20}
    assert [event.name for event in Event.objects.of("appointment", request.pk)] == [
        "appointment.approved"
    ]
    assert Assignment.objects.count() == 1
    audit([answers[0]])
