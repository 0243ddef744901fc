"""Leads over HTTP."""

import pytest

from core.actors import Role
from leads.models import Lead
from leads.services import lead_id_of_token
from tests.factories import make_customer, make_lead, make_location, make_user
from tests.leads.conftest import PHONE

URL = "/api/v1/leads"
FORM = {"name": "Ada Byron", "phone": "(602) 555-0142", "postal_code": "85004"}

pytestmark = pytest.mark.django_db


def leave(client, **given):
    return client.post(URL, FORM | given, format="json")


def listed(client, **query) -> list[str]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return [lead["name"] for lead in answer.json()["results"]]


def test_a_visitor_leaves_a_wish_and_gets_the_key_to_it(api, branch) -> None:
    answer = leave(api, line1="1 Elm St", service="tune-up")

    assert answer.status_code == 201
    body = answer.json()
    lead = Lead.objects.get()
    assert lead_id_of_token(body.pop("booking_token")) == lead.pk
    assert body == {
        "id": str(lead.pk),
        "reference": lead.reference,
        "status": "new",
        "flags": [],
        "name": "Ada Byron",
        "phone": "(602) 555-0142",
        "email": "",
        "line1": "1 Elm St",
        "line2": "",
        "city": "",
        "region": "",
        "postal_code": "85004",
        "service": "tune-up",
        "message": "",
        "source": "website",
    }


def test_a_visitor_does_not_learn_whom_we_know(api, branch) -> None:
    make_customer(name="Charles Babbage", phone=PHONE)

    known, unknown = leave(api), leave(api, phone="(602) 555-0143")

    assert known.json().keys() == unknown.json().keys()
    assert known.json()["flags"] == unknown.json()["flags"] == []
    assert "Babbage" not in known.content.decode()


def test_the_same_wish_again_is_answered_with_the_same_lead(api, branch) -> None:
    first = leave(api)

    again = leave(api, name=" Ada Byron ")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]


def test_odd_values_are_taken_in(api) -> None:
    answer = leave(api, phone="call me", email="ada at home", postal_code="SW1A 1AA")

    assert answer.status_code == 201
    assert answer.json()["flags"] == [
        "invalid_email",
        "invalid_phone",
        "no_contact",
        "out_of_service_area",
    ]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": None}, "/name"),
        ({"phone": "0" * 61}, "/phone"),
        ({"message": "x" * 4001}, "/message"),
        ({"status": "converted"}, "/status"),
        ({"customer": "0"}, "/customer"),
    ],
)
def test_forms_that_nobody_can_mean_are_refused(api, given, pointer) -> None:
    answer = leave(api, **given)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Lead.objects.exists()


def test_the_public_form_has_a_limit_of_its_own(api, settings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"public_form": "2/m"}

    codes = [leave(api, message=f"No {n}").status_code for n in range(3)]

    assert codes == [201, 201, 429]


def test_staff_see_what_we_made_of_it(dispatcher, branch) -> None:
    known = make_customer(name="Charles Babbage", phone=PHONE)

    answer = leave(dispatcher)

    body = answer.json()
    assert answer["ETag"] == '"1"'
    assert body["phone"] == PHONE
    assert body["customer"] == str(known.pk)
    assert body["location"] == str(branch.pk)
    assert body["flags"] == ["possible_duplicate"]
    assert body["source"] == "staff"
    assert "booking_token" not in body


def test_visitors_read_no_leads(api) -> None:
    lead = make_lead()

    assert api.get(URL).status_code == 401
    assert api.get(f"{URL}/{lead.pk}").status_code == 401


def test_lists_hold_ones_own_branches_and_what_nobody_serves(
    dispatcher, branch
) -> None:
    make_lead(name="Own", location=branch)
    make_lead(name="Nobody's", location=None)
    make_lead(name="Elsewhere", location=make_location())

    assert listed(dispatcher) == ["Nobody's", "Own"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "contacted"}, ["Bob"]),
        ({"status": ["new", "contacted"]}, ["Bob", "Ada"]),
        ({"source": "yelp"}, ["Ada"]),
        ({"flag": "invalid_phone"}, ["Bob"]),
        ({"search": "ad"}, ["Ada"]),
        ({"created_after": "2099-01-01T00:00:00Z"}, []),
        ({"created_before": "2099-01-01T00:00:00Z"}, ["Bob", "Ada"]),
    ],
)
def test_lists_are_narrowed_by(dispatcher, branch, query, names) -> None:
    make_lead(name="Ada", location=branch, source="yelp")
    make_lead(name="Bob", location=branch, status="contacted", flags=["invalid_phone"])

    assert listed(dispatcher, **query) == names


def test_lists_are_narrowed_by_branch(dispatcher, branch) -> None:
    make_lead(name="Ada", location=branch)
    make_lead(name="Bob")

    assert listed(dispatcher, location=str(branch.pk)) == ["Ada"]


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"flag": "x"}, {"location": "x"}]
)
def test_a_filter_that_means_nothing_is_refused(dispatcher, query) -> None:
    assert dispatcher.get(URL, query).status_code == 400


def test_a_list_costs_the_same_however_long(
    dispatcher, branch, django_assert_num_queries
) -> None:
    def ask() -> None:
        with django_assert_num_queries(2):  # who asks, and the leads
            assert dispatcher.get(URL).status_code == 200

    make_lead(location=branch, customer=make_customer())
    ask()
    for _ in range(5):
        make_lead(location=branch, customer=make_customer())
    ask()


def test_pages_follow_each_other(dispatcher, branch) -> None:
    for name in ("Ada", "Bob", "Cid"):
        make_lead(name=name, location=branch)

    first = dispatcher.get(URL, {"limit": 2}).json()
    second = dispatcher.get(first["next"]).json()

    assert [lead["name"] for lead in first["results"]] == ["Cid", "Bob"]
    assert [lead["name"] for lead in second["results"]] == ["Ada"]
    assert second["next"] is None


def test_a_lead_is_corrected(dispatcher, branch) -> None:
    lead = make_lead(location=branch, phone_given="x", flags=["invalid_phone"])

    answer = dispatcher.patch(
        f"{URL}/{lead.pk}",
        {"phone": "602 555 0142"},
        format="json",
        headers={"If-Match": '"1"'},
    )

    assert answer.status_code == 200
    assert answer["ETag"] == '"2"'
    assert answer.json()["phone"] == PHONE
    assert answer.json()["flags"] == []


def test_a_stale_correction_is_answered_with_the_lead_as_it_is(
    dispatcher, branch
) -> None:
    lead = make_lead(name="Ada", location=branch, version=2)

    answer = dispatcher.patch(
        f"{URL}/{lead.pk}",
        {"name": "Eve"},
        format="json",
        headers={"If-Match": '"1"'},
    )

    assert answer.status_code == 412
    assert answer.json()["current"]["name"] == "Ada"


def test_a_lead_goes_to_no_branch_outside_of_ones_sight(dispatcher, branch) -> None:
    lead = make_lead(location=branch)

    answer = dispatcher.patch(
        f"{URL}/{lead.pk}", {"location": str(make_location().pk)}, format="json"
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/location"


def test_a_lead_is_contacted_and_dismissed(dispatcher, branch) -> None:
    lead = make_lead(location=branch)

    contacted = dispatcher.post(f"{URL}/{lead.pk}/contact")
    dismissed = dispatcher.post(
        f"{URL}/{lead.pk}/dismiss", {"reason": "Spam"}, format="json"
    )

    assert contacted.json()["status"] == "contacted"
    assert dismissed.json()["status"] == "dismissed"
    assert dismissed.json()["dismissal_reason"] == "Spam"


def test_a_dismissal_needs_a_reason(dispatcher, branch) -> None:
    lead = make_lead(location=branch)

    answer = dispatcher.post(f"{URL}/{lead.pk}/dismiss", {}, format="json")

    assert answer.status_code == 400


def test_a_closed_lead_is_a_conflict(dispatcher, branch) -> None:
    lead = make_lead(location=branch)
    dispatcher.post(f"{URL}/{lead.pk}/dismiss", {"reason": "Spam"}, format="json")

    answer = dispatcher.post(f"{URL}/{lead.pk}/contact")

    assert (answer.status_code, answer.json()["code"]) == (409, "lead_dismissed")


def test_a_machine_must_name_its_wishes(branch, api_as) -> None:
    machine = api_as(make_user(Role.INTEGRATION, locations=[branch]))

    assert leave(machine).json()["code"] == "idempotency_key_required"
    kept = machine.post(URL, FORM, format="json", headers={"Idempotency-Key": "1"})
    assert (kept.status_code, kept.json()["source"]) == (201, "partner")
