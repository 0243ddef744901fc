"""Holds over HTTP, as a website uses them."""

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from appointments.models import Appointment, Assignment, Hold
from core.actors import Role
from leads.services import issue_booking_token
from tests.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    make_lead,
    make_service,
    make_technician,
    make_user,
)

EIGHT = "2027-03-02T08:00:00-07:00"
TEN = "2027-03-02T10:00:00-07:00"
HOLDS = "/api/v1/holds"
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def company(company):
    """Let a window be kept exactly once."""
    company.service = make_service(duration_minutes=120, hold_minutes=15)
    return company


@pytest.fixture
def lead(company):
    return make_lead(line1="1 Elm St", city="Phoenix", region="AZ")


def keep(client, company, **given):
    fields = {
        "service": company.service.code,
        "postal_code": "85004",
        "starts_at": EIGHT,
    }
    return client.post(HOLDS, fields | given, format="json")


def book(client, company, lead, **given):
    fields = {
        "service": company.service.code,
        "starts_at": EIGHT,
        "lead": str(lead.pk),
        "booking_token": issue_booking_token(lead),
    }
    return client.post("/api/v1/appointments", fields | given, format="json")


def offered(client, company, **headers) -> list[str]:
    asked = {
        "service": company.service.code,
        "postal_code": "85004",
        "from": "2027-03-02",
        "days": 1,
    }
    answer = client.get("/api/v1/availability", asked, headers=headers)
    return [slot["starts_at"] for slot in answer.json()["slots"]]


def test_a_visitor_holds_a_slot(api, company) -> None:
    answer = keep(api, company)

    assert answer.status_code == 201
    shown = answer.json()
    kept = Hold.objects.get()
    assert shown.pop("visitor") == kept.visitor == str(UUID(kept.visitor))
    assert len(shown.pop("token")) >= 43
    assert shown == {
        "id": str(kept.pk),
        "service": company.service.code,
        "postal_code": "85004",
        "starts_at": EIGHT,
        "ends_at": TEN,
        "display": "Tue, Mar 2, 8:00 \N{EN DASH} 10:00 AM",
        "expires_at": "2027-03-01T08:15:00-07:00",
        "time_zone": "America/Phoenix",
    }


def test_the_token_is_shown_once(api, company) -> None:
    made = keep(api, company).json()

    answer = api.get(
        f"{HOLDS}/{made['id']}", headers={"X-Hold-Token": made.pop("token")}
    )

    assert answer.status_code == 200
    assert answer.json() == made


def test_a_visit_by_exact_start_ends_when_the_work_does(api, company) -> None:
    company.service = make_service(booking_mode="exact", duration_minutes=60)

    shown = keep(api, company).json()

    assert shown["ends_at"] == "2027-03-02T09:00:00-07:00"
    assert shown["display"] == "Tue, Mar 2, 8:00 AM"


def test_only_the_holder_is_still_offered_the_slot(api, company) -> None:
    token = keep(api, company).json()["token"]

    assert EIGHT not in offered(api, company)
    assert EIGHT not in offered(api, company, **{"X-Hold-Token": "guess"})
    assert EIGHT in offered(api, company, **{"X-Hold-Token": token})


def test_the_hold_ends_at_its_very_end(api, company, clock) -> None:
    made = keep(api, company).json()
    own = {"X-Hold-Token": made["token"]}

    clock.move_to(NOW + 15 * MINUTE - TICK)
    assert api.get(f"{HOLDS}/{made['id']}", headers=own).status_code == 200
    assert EIGHT not in offered(api, company)
    clock.move_to(NOW + 15 * MINUTE)
    answer = api.get(f"{HOLDS}/{made['id']}", headers=own)

    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")
    assert EIGHT in offered(api, company)


def test_the_visitor_id_replaces_ones_own_hold(api, company) -> None:
    first = keep(api, company).json()

    second = keep(api, company, visitor=first["visitor"], starts_at=TEN).json()

    assert second["visitor"] == first["visitor"]
    assert EIGHT in offered(api, company)
    gone = api.get(f"{HOLDS}/{first['id']}", headers={"X-Hold-Token": first["token"]})
    assert gone.status_code == 404


def test_a_lead_holds_by_its_booking_token(api, company, lead) -> None:
    wrong = keep(api, company, lead=str(lead.pk), booking_token="forged")
    good = keep(
        api, company, lead=str(lead.pk), booking_token=issue_booking_token(lead)
    )

    assert wrong.status_code == 403
    assert (good.status_code, good.json()["visitor"]) == (201, None)
    assert Hold.objects.get().lead == lead


def test_the_holder_books_his_slot(api, company, lead) -> None:
    token = keep(api, company).json()["token"]
    row = Assignment.objects.get()

    assert book(api, company, lead).status_code == 409
    answer = book(api, company, lead, hold=token)

    assert answer.status_code == 201
    assert Assignment.objects.get() == row
    assert answer.json()["status"] == "scheduled"
    assert not Hold.objects.exists()


def test_who_comes_late_to_a_taken_slot_is_told_what_else(
    api, company, lead, clock
) -> None:
    token = keep(api, company).json()["token"]
    clock.move_to(NOW + 15 * MINUTE)
    other = make_lead(line1="2 Elm St", city="Phoenix", region="AZ")
    assert book(api, company, other).status_code == 201

    answer = book(api, company, lead, hold=token)

    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")
    assert answer.json()["alternatives"][0]["starts_at"] == TEN


def test_who_comes_late_to_a_free_slot_has_it(api, company, lead, clock) -> None:
    token = keep(api, company).json()["token"]
    clock.move_to(NOW + 2 * HOUR)

    assert book(api, company, lead, hold=token).status_code == 201


def test_a_token_that_never_was_books_nothing(api, company, lead) -> None:
    answer = book(api, company, lead, hold="made up")

    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")
    assert not Appointment.objects.exists()


def test_a_hold_for_something_else_is_said(api, company, lead) -> None:
    token = keep(api, company).json()["token"]

    answer = book(api, company, lead, hold=token, starts_at=TEN)

    assert (answer.status_code, answer.json()["code"]) == (422, "hold_mismatch")
    assert answer.json()["differs"] == ["starts_at"]


def test_letting_go(api, company) -> None:
    made = keep(api, company).json()
    path, own = f"{HOLDS}/{made['id']}", {"X-Hold-Token": made["token"]}

    assert api.delete(path).status_code == 404
    assert api.delete(path, headers=own).status_code == 204
    assert api.delete(path, headers=own).status_code == 404
    assert EIGHT in offered(api, company)


def test_letting_go_too_late(api, company, clock) -> None:
    made = keep(api, company).json()
    clock.move_to(NOW + DAY)

    answer = api.delete(
        f"{HOLDS}/{made['id']}", headers={"X-Hold-Token": made["token"]}
    )

    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")


def test_one_address_holds_five(api, company) -> None:
    for hour in (8, 10, 12, 14):
        start = f"2027-03-02T{hour:02}:00:00-07:00"
        assert keep(api, company, starts_at=start).status_code == 201
    assert keep(api, company, starts_at="2027-03-03T08:00:00-07:00").status_code == 201

    answer = keep(api, company, starts_at="2027-03-03T10:00:00-07:00")

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_holds")
    assert answer["Retry-After"] == str(15 * 60)
    assert Hold.objects.count() == 5


def test_staff_hold_for_as_many_as_they_talk_to(api_as, company, settings) -> None:
    settings.HOLDS_PER_ADDRESS = 0
    dispatcher = api_as(make_user(Role.DISPATCHER, locations=[company.branch]))
    spare = make_technician(location=company.branch)

    answer = keep(dispatcher, company, technician=str(spare.pk))

    assert answer.status_code == 201
    assert Assignment.objects.get().technician == spare


def test_a_visitor_does_not_choose_the_technician(api, company) -> None:
    nobody = "0195519c-7000-7000-8000-000000000001"

    assert keep(api, company, technician=nobody).status_code == 201


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"postal_code": "99501"}, 422, "out_of_service_area"),
        ({"service": "no-such"}, 400, "invalid"),
        ({"visitor": "me"}, 400, "invalid"),
        ({"starts_at": "2027-03-02T08:30:00-07:00"}, 409, "slot_unavailable"),
        ({"minutes": 600}, 400, "invalid"),
        ({"lead": "0195519c-7000-7000-8000-000000000001"}, 403, "forbidden"),
    ],
)
def test_a_wrong_wish_gets_a_clear_answer(api, company, given, status, code) -> None:
    answer = keep(api, company, **given)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Hold.objects.exists()


def test_a_visitor_is_asked_to_ask_for_what_needs_approval(api, company) -> None:
    company.service = make_service(requires_approval=True)

    answer = keep(api, company)

    assert (answer.status_code, answer.json()["code"]) == (422, "approval_required")
