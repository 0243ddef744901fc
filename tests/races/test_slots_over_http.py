"""Crowds at the same slots, before one server of several processes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from appointments.models import Appointment, Assignment
from core.models import Event
from tests.factories import make_appointment, make_service
from tests.races.audit import audit
from tests.races.conftest import keep_busy, make_company, make_exact
from tests.races.crowd import (
    Call,
    assign,
    cancel,
    reschedule,
    step,
    tally,
    unassign,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_three_hundred_buyers_of_the_last_slot(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)

    answers = crowd.at_once(company.buyers(300, of=service, at=company.at(8)))

    assert tally(answers) == {201: 1, "slot_unavailable": 299}
    audit(answers)


def test_twenty_free_technicians_serve_exactly_twenty(crowd) -> None:
    company = make_company(technicians=20)
    service = make_service(duration_minutes=120)

    answers = crowd.at_once(company.buyers(60, of=service, at=company.at(8)))

    assert tally(answers) == {201: 20, "slot_unavailable": 40}
    served = Assignment.objects.filter(technician__in=company.technicians)
    assert served.values("technician").distinct().count() == 20
    audit(answers)


def test_as_many_buyers_as_technicians_all_get_one(crowd) -> None:
    company = make_company(technicians=20)
    service = make_service(duration_minutes=120)

    answers = crowd.at_once(company.buyers(20, of=service, at=company.at(8)))

    assert tally(answers) == {201: 20}
    audit(answers)


def test_two_jobs_share_a_window_and_a_hundred_do_not(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=60)  # in windows of two hours

    answers = crowd.at_once(company.buyers(100, of=service, at=company.at(10)))

    assert tally(answers) == {201: 2, "slot_unavailable": 98}
    audit(answers)


def test_staggered_starts_never_overlap(crowd) -> None:
    # 45 minutes of work and 15 of buffers: starts a quarter of an hour apart, of which
    # each excludes the three before and after it.
    company = make_company(technicians=2)
    service = make_exact(45, buffer_before_minutes=5, buffer_after_minutes=10)
    quarters = [company.at(8 + n // 4, 15 * (n % 4)) for n in range(24)]
    wishes = list(islice(cycle(quarters), 96))

    answers = crowd.at_once([company.booking(service, at) for at in wishes])

    assert set(tally(answers)) == {201, "slot_unavailable"}
    # Six hours hold at most six such jobs of each technician, and at least one in each
    # seven quarters: whoever comes finds a free start or a reason why not.
    assert 2 * 4 <= tally(answers)[201] <= 2 * 6
    audit(answers)


def test_short_and_long_work_do_not_meet_on_one_technician(crowd) -> None:
    company = make_company()
    short, long = make_exact(30), make_exact(240, buffer_after_minutes=30)
    calls = [
        company.booking(*wish)
        for _ in range(20)
        for wish in (
            (long, company.at(9)),
            (short, company.at(9, 30)),
            (short, company.at(13, 15)),
        )
    ]

    answers = crowd.at_once(calls)

    # Either the long one, whose buffer ends at 13:30, or the two short ones.
    assert tally(answers)[201] in {1, 2}
    won = [answer.json() for answer in answers if answer.status == 201]
    booked = [visit["service"]["code"] for visit in won]
    assert booked in ([long.code], [short.code] * 2)
    audit(answers)


def test_two_dispatchers_on_one_card_with_versions(crowd) -> None:
    company = make_company(technicians=20)
    visit = make_appointment(
        location=company.branch, service=make_exact(60), starts_at=company.at(9)
    )

    answers = crowd.at_once(
        [
            assign(visit.pk, technician=technician.pk).with_headers(If_Match='"1"')
            for technician in company.technicians
        ]
    )

    assert tally(answers) == {200: 1, "version_conflict": 19}
    (won,) = [answer for answer in answers if answer.status == 200]
    assert won.headers["etag"] == '"2"'
    (on_it,) = Assignment.objects.filter(appointment=visit, released_at=None)
    assert str(on_it.technician_id) == won.call.body["technician"]
    audit(answers)


def test_two_dispatchers_on_one_card_without_versions(crowd) -> None:
    company = make_company(technicians=20)
    visit = make_appointment(
        location=company.branch, service=make_exact(60), starts_at=company.at(9)
    )

    answers = crowd.at_once(
        [assign(visit.pk, technician=t.pk) for t in company.technicians]
    )

    # All are done one after the other; whoever was last is on it, alone.
    assert tally(answers) == {200: 20}
    last = max(answers, key=lambda answer: int(answer.headers["etag"].strip('"')))
    (on_it,) = Assignment.objects.filter(appointment=visit, released_at=None)
    assert str(on_it.technician_id) == last.call.body["technician"]
    assert Event.objects.of("appointment", visit.pk).count() == 20
    audit(answers)


def test_everything_at_once_on_one_card_loses_no_update(crowd) -> None:
    company = make_company(technicians=4)
    visit = make_appointment(
        technician=company.technicians[0],
        service=make_exact(60),
        starts_at=company.at(9),
    )
    calls = [
        call
        for n in range(8)
        for call in (
            assign(visit.pk, technician=company.technicians[n % 4].pk),
            reschedule(visit.pk, to=company.at(8 + n)),
            unassign(visit.pk),
        )
    ]

    answers = crowd.at_once(calls)

    assert set(tally(answers)) <= {200, "slot_unavailable"}
    visit.refresh_from_db()
    moves = Event.objects.of("appointment", visit.pk).filter(
        name="appointment.rescheduled"
    )
    assert visit.sequence == moves.count() == 8
    # What each move says was before is what the move before it says is now.
    for before, after in zip(moves, list(moves)[1:], strict=False):
        assert after.data["previous"]["starts_at"] == before.data["starts_at"]
    audit([answer for answer in answers if "assign" not in answer.call.path])


@pytest.mark.parametrize("number", range(5))
def test_starting_against_cancelling(crowd, number) -> None:
    company = make_company()
    visit = make_appointment(
        technician=company.technicians[0],
        service=make_exact(60),
        starts_at=company.at(9),
    )

    answers = crowd.at_once(
        [cancel(visit.pk), step(visit.pk, to="on_site")] * 5,
    )

    visit.refresh_from_db()
    assert visit.status in {"cancelled", "on_site"}
    losers = "cancel" if visit.status == "on_site" else "status"
    refused = [answer for answer in answers if answer.code == "invalid_transition"]
    assert len(refused) == 5
    assert {answer.call.path.rsplit("/")[-1] for answer in refused} == {losers}
    assert Event.objects.of("appointment", visit.pk).count() == 1
    audit(refused)


def test_a_freed_slot_is_sold_once_more(crowd) -> None:
    company = make_company()
    service = make_service(duration_minutes=120)
    visit = make_appointment(
        technician=company.technicians[0], service=service, starts_at=company.at(8)
    )
    buyers = company.buyers(40, of=service, at=company.at(8))

    answers = crowd.at_once([*buyers[:20], cancel(visit.pk), *buyers[20:]])
    late = crowd.ask(company.booking(service, company.at(8)))

    outcome = tally([*answers, late])
    assert outcome == {200: 1, 201: 1, "slot_unavailable": 40}
    audit([*answers, late])


@pytest.mark.parametrize("number", range(4))
def test_moving_a_to_b_while_b_moves_to_a(crowd, number) -> None:
    company = make_company(technicians=2)
    service = make_exact(60)
    early, late = (
        make_appointment(
            technician=technician, service=service, starts_at=company.at(hour)
        )
        for technician, hour in zip(company.technicians, (9, 14), strict=True)
    )

    answers = crowd.at_once(
        [
            reschedule(
                early.pk, to=company.at(14), technician=str(company.technicians[1].pk)
            ),
            reschedule(
                late.pk, to=company.at(9), technician=str(company.technicians[0].pk)
            ),
        ]
        * 3
    )

    # Neither may wait for the other for ever: the slots are taken or free, no deadlock.
    assert set(tally(answers)) <= {200, "slot_unavailable"}
    audit(answers)


def test_a_crowd_that_moves_in_circles(crowd) -> None:
    company = make_company(technicians=3)
    service = make_exact(60)
    visits = [
        make_appointment(
            technician=company.technicians[n % 3],
            service=service,
            starts_at=company.at(8 + n // 3),
        )
        for n in range(24)
    ]

    answers = crowd.at_once(
        [
            reschedule(visit.pk, to=company.at(8 + (n // 3 + hop) % 9))
            for n, visit in enumerate(visits)
            for hop in (1, 4, 7)
        ]
    )

    assert set(tally(answers)) <= {200, "slot_unavailable"}
    assert tally(answers)[200] >= 3  # the hour after the last visit was free
    audit(answers)


def test_one_key_a_hundred_times_is_one_visit(crowd) -> None:
    company = make_company(technicians=3)
    wish = company.booking(make_service(), company.at(8)).with_headers(
        Idempotency_Key=f"one-wish-{uuid4()}"
    )

    answers = crowd.at_once([wish] * 100)

    assert Counter(answer.status for answer in answers) == {201: 100}
    assert len({answer.content for answer in answers}) == 1
    assert sum(not answer.is_replayed for answer in answers) == 1
    assert Appointment.objects.filter(location=company.branch).count() == 1
    audit(answers)


@contextmanager
def counted_rows() -> Iterator[list[int]]:
    """Count the rows of each statement that is run meanwhile."""
    rows: list[int] = []

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        result = execute(sql, params, many, context)
        rows.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(count):
        yield rows


def test_a_month_of_sixty_technicians_is_listed_by_one_statement(crowd, client) -> None:
    company = make_company(technicians=60)
    service = make_service(duration_minutes=120)
    keep_busy(company, days=31, hours=(9, 12, 15))
    ask = Call(
        "GET",
        f"/availability?service={service.code}&postal_code={company.zip}&days=31",
    )

    answers = crowd.at_once([ask] * 12)
    booked = crowd.ask(company.booking(service, company.at(10)))
    with counted_rows() as first:  # of this process: it reads the roster too
        client.get(f"/api/v1{ask.path}")
    with counted_rows() as second:
        again = client.get(f"/api/v1{ask.path}")

    slots = answers[0].json()["slots"]
    assert len(again.json()["slots"]) == len(slots)
    # No more than a row for each technician and UTC day, and some days around them;
    # then one, which says that nothing has changed.
    assert 60 * 20 < max(first) <= 60 * 34
    assert second == [1]
    assert company.at(10) in {datetime.fromisoformat(s["starts_at"]) for s in slots}
    assert booked.status == 201
    audit([*answers, booked])
