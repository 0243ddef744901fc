"""Visits over HTTP."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.models import Appointment
from core.actors import Role
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_lead,
    make_location,
    make_service,
    make_technician,
    make_user,
)

EIGHT = "2027-03-02T08:00:00-07:00"


@pytest.fixture(autouse=True)
def _on_monday():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def dispatcher(company, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


@pytest.fixture
def visit(company) -> Appointment:
    return make_appointment(
        technician=company.technician,
        location=company.branch,
        service=company.service,
        property=company.property,
        starts_at=local(TOMORROW, 8),
    )


def wish(company, **given) -> dict[str, object]:
    fields = {
        "service": company.service.code,
        "starts_at": EIGHT,
        "property": str(company.property.pk),
    }
    return fields | given


def slots(client, company, **query):
    asked = {"service": company.service.code, "postal_code": "85004"} | query
    return client.get("/api/v1/availability", asked)


def test_a_visitor_sees_true_times(api, company) -> None:
    answer = slots(api, company, **{"from": "2027-03-02", "days": 1})

    assert answer.status_code == 200
    assert answer.json()["time_zone"] == "America/Phoenix"
    assert answer.json()["degraded"] is False
    assert answer.json()["slots"][0] == {
        "date": "2027-03-02",
        "starts_at": EIGHT,
        "ends_at": "2027-03-02T10:00:00-07:00",
        "display": "Tue, Mar 2, 8:00 \N{EN DASH} 10:00 AM",
    }


def test_only_staff_learn_who_could_do_it(dispatcher, company) -> None:
    slot = slots(dispatcher, company).json()["slots"][0]

    assert slot["technicians"] == [str(company.technician.pk)]


@pytest.mark.parametrize(
    ("chosen", "statements"),
    [("technician", 5), ("anybody", 6)],  # anybody: those who are free are looked for
)
def test_a_booking_takes_few_statements(
    dispatcher, company, chosen, statements
) -> None:
    if chosen == "technician":
        wanted = {"technician": str(company.technician.pk)}
    else:
        wanted = {}
    slots(dispatcher, company)  # the process reads the roster once

    with CaptureQueriesContext(connection) as asked:
        answer = dispatcher.post(
            "/api/v1/appointments", wish(company, **wanted), format="json"
        )

    words = ("SAVEPOINT", "RELEASE", "SELECT u.")  # u: who asks, as with all requests
    own = [each["sql"] for each in asked if not each["sql"].strip().startswith(words)]
    assert answer.status_code == 201
    assert len(own) == statements, own


def test_tz_changes_rendering_only(api, company) -> None:
    here = slots(api, company).json()["slots"][0]
    there = slots(api, company, tz="Asia/Kolkata").json()["slots"][0]

    assert there["starts_at"].endswith("+05:30")
    assert datetime.fromisoformat(here["starts_at"]) == datetime.fromisoformat(
        there["starts_at"]
    )


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"postal_code": "99501"}, 422, "out_of_service_area"),
        ({"service": "no-such"}, 400, "invalid"),
        ({"days": "0"}, 400, "invalid"),
        ({"from": "1999-12-31"}, 400, "invalid"),
        ({"tz": "Mars/Olympus"}, 400, "invalid"),
        ({"bogus": "1"}, 400, "invalid"),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(
    api, company, query, status, code
) -> None:
    answer = slots(api, company, **query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_staff_are_told_why_a_start_is_not_offered(dispatcher, company, visit) -> None:
    company.service.duration_minutes = 120
    company.service.save()
    idle = make_technician(location=company.branch, shift=None, name="Idle")
    idle.weekly_shifts.create(
        location=company.branch, weekday=6, starts="08:00", ends="12:00"
    )

    answer = dispatcher.get(
        "/api/v1/availability/explain",
        {
            "service": company.service.code,
            "postal_code": "85004",
            "starts_at": EIGHT,
        },
    )

    reasons = {t["technician"]: t["reason"] for t in answer.json()["technicians"]}
    assert answer.json()["reason"] is None
    # The visit at eight ends at nine: two hours fit from nine on, inside the window.
    assert reasons[str(company.technician.pk)] is None
    assert reasons[str(idle.pk)] == "off_shift"


def test_visitors_are_not_told(api, company) -> None:
    answer = api.get(
        "/api/v1/availability/explain",
        {"service": company.service.code, "postal_code": "85004", "starts_at": EIGHT},
    )

    assert answer.status_code == 401


def test_staff_book_for_a_property(dispatcher, company) -> None:
    answer = dispatcher.post("/api/v1/appointments", wish(company), format="json")

    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    body = answer.json()
    assert body["status"] == "scheduled"
    assert body["window_starts_at"] == EIGHT
    assert [t["id"] for t in body["technicians"]] == [str(company.technician.pk)]


def test_a_visitor_books_with_the_token_of_the_lead(api, company) -> None:
    lead = api.post(
        "/api/v1/leads",
        {
            "name": "Ada Byron",
            "phone": "(602) 555-0142",
            "line1": "1 Elm St",
            "city": "Phoenix",
            "region": "AZ",
            "postal_code": "85004",
        },
        format="json",
    ).json()

    answer = api.post(
        "/api/v1/appointments",
        {
            "service": company.service.code,
            "starts_at": EIGHT,
            "lead": lead["id"],
            "booking_token": lead["booking_token"],
        },
        format="json",
    )

    assert answer.status_code == 201, answer.json()
    assert answer.json()["display"] == "Tue, Mar 2, 8:00 \N{EN DASH} 10:00 AM"
    assert "customer" not in answer.json()
    assert "technicians" not in answer.json()


@pytest.mark.parametrize("token", [None, "forged"])
def test_without_its_token_a_lead_cannot_be_booked(api, company, token) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")
    body = {"service": company.service.code, "starts_at": EIGHT, "lead": str(lead.pk)}
    if token:
        body["booking_token"] = token

    answer = api.post("/api/v1/appointments", body, format="json")

    assert answer.status_code in {403, 410}
    assert not Appointment.objects.exists()


def test_a_taken_slot_is_a_conflict_with_alternatives(dispatcher, company) -> None:
    company.service.duration_minutes = 120
    company.service.save()
    dispatcher.post("/api/v1/appointments", wish(company), format="json")

    answer = dispatcher.post("/api/v1/appointments", wish(company), format="json")

    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["reason"]) == ("slot_unavailable", "busy")
    assert body["alternatives"][0]["starts_at"] == "2027-03-02T10:00:00-07:00"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"starts_at": "tomorrow"}, "/starts_at"),
        ({"starts_at": "1999-01-01T08:00:00Z"}, "/starts_at"),
        ({"starts_at": 8}, "/starts_at"),
        ({"service": "no-such"}, "/service"),
        ({"property": str(uuid4())}, "/property"),
        ({"location": str(uuid4())}, "/location"),
        ({"colour": "red"}, "/colour"),
        ({"lead": str(uuid4())}, ""),
    ],
)
def test_a_wrong_form_names_its_field(dispatcher, company, given, pointer) -> None:
    answer = dispatcher.post(
        "/api/v1/appointments", wish(company, **given), format="json"
    )

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_machines_send_a_key_to_book(api_as, company) -> None:
    machine = api_as(make_user(Role.INTEGRATION, locations=[company.branch]))

    without = machine.post("/api/v1/appointments", wish(company), format="json")
    with_key = [
        machine.post(
            "/api/v1/appointments",
            wish(company),
            format="json",
            headers={"Idempotency-Key": "k-1"},
        )
        for _ in range(2)
    ]

    assert (without.status_code, without.json()["code"]) == (
        400,
        "idempotency_key_required",
    )
    assert [answer.status_code for answer in with_key] == [201, 201]
    assert with_key[0].json() == with_key[1].json()
    assert Appointment.objects.count() == 1


def test_rescheduling_takes_the_version_that_was_read(dispatcher, visit) -> None:
    url = f"/api/v1/appointments/{visit.pk}/reschedule"
    noon = {"starts_at": "2027-03-02T12:00:00-07:00"}

    moved = dispatcher.post(url, noon, format="json", headers={"If-Match": '"1"'})
    stale = dispatcher.post(url, noon, format="json", headers={"If-Match": '"1"'})

    assert (moved.status_code, moved.headers["ETag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    assert stale.json()["current"]["version"] == 2


def test_local_time_input_is_the_branchs_wall_clock(dispatcher, visit) -> None:
    answer = dispatcher.post(
        f"/api/v1/appointments/{visit.pk}/reschedule",
        {"starts_at": "2027-03-02T12:00:00"},
        format="json",
    )

    assert answer.json()["window_starts_at"] == "2027-03-02T12:00:00-07:00"


def test_a_visit_goes_its_way_and_remembers_it(dispatcher, visit) -> None:
    for to in ("dispatched", "en_route", "on_site", "completed"):
        answer = dispatcher.post(
            f"/api/v1/appointments/{visit.pk}/status", {"status": to}, format="json"
        )
        assert (answer.status_code, answer.json()["status"]) == (200, to)

    history = dispatcher.get(f"/api/v1/appointments/{visit.pk}/history").json()
    assert [event["number"] for event in history] == [1, 2, 3, 4]
    assert history[0]["request_id"]


def test_an_illegal_step_names_the_legal_ones(dispatcher, visit) -> None:
    answer = dispatcher.post(
        f"/api/v1/appointments/{visit.pk}/status", {"status": "paused"}, format="json"
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "invalid_transition"
    assert "en_route" in answer.json()["allowed"]


def test_assigning_unassigning_and_cancelling(dispatcher, company, visit) -> None:
    other = make_technician(location=company.branch)
    base = f"/api/v1/appointments/{visit.pk}"

    given = dispatcher.post(
        f"{base}/assign", {"technician": str(other.pk)}, format="json"
    )
    left = dispatcher.post(f"{base}/unassign", {"reason": "Sick"}, format="json")
    off = dispatcher.post(f"{base}/cancel", {"reason": "Sold"}, format="json")

    assert [t["id"] for t in given.json()["technicians"]] == [str(other.pk)]
    assert left.json()["technicians"] == []
    assert (off.json()["status"], off.json()["version"]) == ("cancelled", 4)


def test_a_technician_sees_and_steps_only_his_own(api_as, company, visit) -> None:
    user = make_user(Role.TECHNICIAN, locations=[company.branch])
    company.technician.user = user
    company.technician.save()
    foreign = make_appointment(
        technician=make_technician(location=company.branch), location=company.branch
    )
    client = api_as(user)

    seen = client.get("/api/v1/appointments").json()["results"]
    own = client.post(
        f"/api/v1/appointments/{visit.pk}/status", {"status": "en_route"}, format="json"
    )
    other = client.post(
        f"/api/v1/appointments/{foreign.pk}/status",
        {"status": "en_route"},
        format="json",
    )

    assert [row["id"] for row in seen] == [str(visit.pk)]
    assert (own.status_code, other.status_code) == (200, 404)


def test_lists_are_filtered(dispatcher, company, visit) -> None:
    waiting = make_appointment(location=company.branch, starts_at=local(TOMORROW, 12))

    def ids(**query):
        answer = dispatcher.get("/api/v1/appointments", query)
        return [row["id"] for row in answer.json()["results"]]

    assert ids() == [str(visit.pk), str(waiting.pk)]
    assert ids(unassigned="true") == [str(waiting.pk)]
    assert ids(technician=str(company.technician.pk)) == [str(visit.pk)]
    assert ids(starts_after="2027-03-02T18:00:00Z") == [str(waiting.pk)]
    assert ids(search=visit.reference) == [str(visit.pk)]
    assert ids(status="completed") == []


def test_other_branches_are_out_of_sight(api_as, visit) -> None:
    stranger = api_as(make_user(Role.DISPATCHER, locations=[make_location()]))

    assert stranger.get(f"/api/v1/appointments/{visit.pk}").status_code == 404
    assert stranger.get("/api/v1/appointments").json()["results"] == []


def test_a_list_asks_a_constant_number_of_questions(
    dispatcher, company, django_assert_num_queries
) -> None:
    def fill(count: int) -> None:
        for _ in range(count):
            make_appointment(
                technician=make_technician(location=company.branch),
                location=company.branch,
            )

    fill(1)
    with django_assert_num_queries(2):  # who asks, and the page with its technicians
        dispatcher.get("/api/v1/appointments")
    fill(10)
    with django_assert_num_queries(2):
        answer = dispatcher.get("/api/v1/appointments")
    assert len(answer.json()["results"]) == 11


def test_a_schedule_holds_shifts_absences_and_visits(
    dispatcher, company, visit
) -> None:
    company.technician.time_offs.create(
        starts_at=local(TOMORROW, 15), ends_at=local(TOMORROW, 17), reason="Dentist"
    )

    body = dispatcher.get(
        f"/api/v1/technicians/{company.technician.pk}/schedule",
        {"from": "2027-03-02", "days": 1},
    ).json()

    assert [shift["starts_at"] for shift in body["shifts"]] == [EIGHT]
    assert [absence["reason"] for absence in body["time_off"]] == ["Dentist"]
    assert [row["reference"] for row in body["visits"]] == [visit.reference]


def test_a_lead_is_converted_by_staff_once(dispatcher, company) -> None:
    lead = make_lead(
        line1="1 Elm St", city="Phoenix", region="AZ", location=company.branch
    )
    body = {"service": company.service.code, "starts_at": EIGHT}

    first = dispatcher.post(f"/api/v1/leads/{lead.pk}/convert", body, format="json")
    second = dispatcher.post(f"/api/v1/leads/{lead.pk}/convert", body, format="json")

    assert first.status_code == 201, first.json()
    assert (second.status_code, second.json()["code"]) == (409, "already_converted")
    assert second.json()["appointment"] == first.json()["id"]


def test_visitors_see_public_services_only(api, dispatcher, company) -> None:
    internal = make_service(is_public=False)

    def codes(client):
        found = client.get("/api/v1/services").json()["results"]
        return {service["code"] for service in found}

    assert codes(api) == {company.service.code}
    assert codes(dispatcher) == {company.service.code, internal.code}


def test_dates_far_ahead_do_not_break(api, company) -> None:
    answer = slots(api, company, **{"from": "2099-12-31", "days": 31})

    assert answer.status_code == 200
    assert answer.json()["slots"] == []


def test_availability_ends_with_the_horizon(api, company) -> None:
    company.service.horizon_days = 2
    company.service.save()

    dates = {slot["date"] for slot in slots(api, company).json()["slots"]}

    assert max(dates) == (NOW + timedelta(days=2)).date().isoformat()
