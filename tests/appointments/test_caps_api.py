"""Caps, and customers' words about technicians, over HTTP."""

from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.models import Cap, TechnicianPreference
from core.actors import Role
from core.models import Event
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_customer,
    make_location,
    make_property,
    make_technician,
    make_user,
    make_zone,
)

CAPS = "/api/v1/caps"


@pytest.fixture(autouse=True)
def _on_monday():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def admin(company, api_as):
    return api_as(make_user(Role.ADMIN))


@pytest.fixture
def dispatcher(company, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


def post(client, company, **given):
    body = {"location": str(company.branch.pk), "most": 3}
    return client.post(CAPS, body | given, format="json")


def book(client, company):
    return client.post(
        "/api/v1/appointments",
        {
            "service": company.service.code,
            "property": str(make_property(postal_code="85004").pk),
            "starts_at": local(TOMORROW, 8).isoformat(),
        },
        format="json",
    )


# --- Caps -----------------------------------------------------------------------


def test_a_cap_of_all_visits_of_a_branch(admin, company) -> None:
    answer = post(admin, company)

    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(Cap.objects.get().pk),
        "location": {"id": str(company.branch.pk), "name": company.branch.name},
        "service": None,
        "zone": None,
        "weekday": None,
        "most": 3,
    }


def test_a_cap_of_a_service_in_a_zone_on_a_weekday(admin, company) -> None:
    answer = post(
        admin,
        company,
        service=company.service.code,
        zone=str(company.zone.pk),
        weekday=6,
    )

    shown = answer.json()
    assert shown["service"]["code"] == company.service.code
    assert shown["zone"] == {"id": str(company.zone.pk), "name": company.zone.name}
    assert shown["weekday"] == 6


def test_a_cap_binds_the_next_booking_and_a_change_frees_it(admin, company) -> None:
    cap = post(admin, company, most=0).json()["id"]

    full = book(admin, company)
    admin.patch(f"{CAPS}/{cap}", {"most": 1}, format="json")
    one = book(admin, company)
    two = book(admin, company)
    admin.delete(f"{CAPS}/{cap}")
    free = book(admin, company)

    codes = [answer.status_code for answer in (full, one, two, free)]
    assert codes == [409, 201, 409, 201]
    assert (full.json()["reason"], two.json()["reason"]) == ("cap", "cap")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"most": -1}, "/most"),
        ({"most": 10_001}, "/most"),
        ({"most": None}, "/most"),
        ({"weekday": 7}, "/weekday"),
        ({"service": "no-such"}, "/service"),
        ({"zone": str(uuid4())}, "/zone"),
        ({"location": str(uuid4())}, "/location"),
        ({"days": 3}, "/days"),
    ],
)
def test_a_wrong_form_is_refused_field_by_field(admin, company, given, pointer) -> None:
    answer = post(admin, company, **given)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Cap.objects.exists()


def test_the_zone_must_be_the_branchs(admin, company) -> None:
    answer = post(admin, company, zone=str(make_zone("10001").pk))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/zone"


@pytest.mark.parametrize("weekday", [None, 2])
def test_one_cap_of_a_kind(admin, company, weekday) -> None:
    post(admin, company, weekday=weekday)

    again = post(admin, company, weekday=weekday, most=9)

    assert (again.status_code, again.json()["code"]) == (409, "cap_listed")
    assert Cap.objects.get().most == 3


def test_each_change_is_told_once(admin, company) -> None:
    cap = post(admin, company).json()["id"]
    for most in (5, 5):
        admin.patch(f"{CAPS}/{cap}", {"most": most}, format="json")
    admin.delete(f"{CAPS}/{cap}")

    events = Event.objects.of("cap", cap).order_by("number")
    told = [(event.data["previous"]["most"], event.data["most"]) for event in events]
    assert told == [(None, 3), (3, 5), (5, None)]
    assert {event.location_id for event in events} == {company.branch.pk}


def test_the_office_sees_the_caps_of_its_branches(admin, dispatcher, company) -> None:
    post(admin, company)
    Cap.objects.create(location=make_location(), most=1)

    assert len(dispatcher.get(CAPS).json()["results"]) == 1
    assert len(admin.get(CAPS).json()["results"]) == 2
    assert post(dispatcher, company, weekday=1).status_code == 403


def test_the_list_costs_the_same_for_many(admin, company) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            admin.get(CAPS)
        return len(asked)

    post(admin, company, service=company.service.code, zone=str(company.zone.pk))
    one = queries()
    for weekday in range(7):
        post(admin, company, weekday=weekday)

    assert queries() == one


def test_a_cap_that_is_not_there_is_not_found(admin) -> None:
    url = f"{CAPS}/{uuid4()}"

    assert admin.patch(url, {"most": 1}, format="json").status_code == 404
    assert admin.delete(url).status_code == 404


# --- Preferences ------------------------------------------------------------------


def url_of(customer, technician=None) -> str:
    tail = f"/{technician.pk}" if technician else ""
    return f"/api/v1/customers/{customer.pk}/technician-preferences{tail}"


def put(client, customer, who, **given):
    body = {"technician": str(who.pk), "kind": "barred"} | given
    return client.put(url_of(customer), body, format="json")


def test_a_customer_bars_a_technician_and_changes_his_mind(dispatcher, company) -> None:
    customer, technician = company.property.customer, company.technician

    barred = put(dispatcher, customer, technician, reason="Muddy boots")
    refused = dispatcher.post(
        "/api/v1/appointments",
        {
            "service": company.service.code,
            "property": str(company.property.pk),
            "starts_at": local(TOMORROW, 8).isoformat(),
        },
        format="json",
    )
    put(dispatcher, customer, technician, kind="preferred")
    listed = dispatcher.get(url_of(customer)).json()["results"]

    assert barred.status_code == 200
    assert barred.json()["technician"] == {
        "id": str(technician.pk),
        "name": technician.name,
    }
    assert (refused.status_code, refused.json()["reason"]) == (409, "barred")
    assert [(one["kind"], one["reason"]) for one in listed] == [("preferred", "")]


def test_each_word_is_told_once(dispatcher, company) -> None:
    customer, technician = company.property.customer, company.technician
    for kind in ("barred", "barred", "preferred"):
        put(dispatcher, customer, technician, kind=kind)
    dispatcher.delete(url_of(customer, technician))

    events = Event.objects.filter(name="customer.preference_changed").order_by("number")
    told = [(event.data["previous"]["kind"], event.data["kind"]) for event in events]
    assert told == [(None, "barred"), ("barred", "preferred"), ("preferred", None)]
    assert {event.aggregate_id for event in events} == {customer.pk}


def test_what_was_said_can_be_forgotten_once(dispatcher, company) -> None:
    customer, technician = company.property.customer, company.technician
    put(dispatcher, customer, technician)

    gone = dispatcher.delete(url_of(customer, technician))
    again = dispatcher.delete(url_of(customer, technician))

    assert (gone.status_code, again.status_code) == (204, 404)
    assert not TechnicianPreference.objects.exists()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"kind": "adored"}, "/kind"),
        ({"technician": str(uuid4())}, "/technician"),
        ({"reason": "x" * 201}, "/reason"),
        ({"since": 1}, "/since"),
    ],
)
def test_a_wrong_word_is_refused(dispatcher, company, given, pointer) -> None:
    answer = put(dispatcher, company.property.customer, company.technician, **given)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_technicians_of_other_branches_are_out_of_sight(dispatcher, company) -> None:
    elsewhere = make_technician()
    customer = company.property.customer
    TechnicianPreference.objects.create(
        customer=customer, technician=elsewhere, kind="preferred"
    )

    assert put(dispatcher, customer, elsewhere).status_code == 400
    assert dispatcher.get(url_of(customer)).json()["results"] == []


def test_a_customer_who_is_not_there_is_not_found(dispatcher, company) -> None:
    nobody = make_customer()
    nobody.delete()
    nobody.pk = uuid4()

    assert dispatcher.get(url_of(nobody)).status_code == 404
    assert put(dispatcher, nobody, company.technician).status_code == 404
