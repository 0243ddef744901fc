"""Housecall Pro: what is asked, and what each answer means, call by call."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from integrations.connectors.housecallpro import HousecallPro
from integrations.connectors.housecallpro.invoices import invoice_number, reference_of
from integrations.connectors.port import Known
from integrations.rules.mapping import Rule, body_of
from integrations.rules.refusals import Busy, NoAnswer, NotAllowed, NotYet, Refused
from integrations.rules.things import Inbound, Thing
from tests.integrations.connectors.calls import Recorder, connect
from tests.integrations.vendor import Heard, Reply, VendorServer

pytestmark = pytest.mark.django_db

KEY = "hcp_key_of_a_company"
CONNECTOR = HousecallPro()
REFERENCE = "V-7K2M9QXT"
NUMBER = "261007663034"  # 7K2M9QXT, read in base 32
CREW = ["pro_1"]
KNOWN = Known(
    parents={
        "customer": Known(ids={"customer": "cus_1"}),
        "property": Known(ids={"address": "adr_1"}),
    }
)
JOB = {
    "id": "job_1",
    "invoice_number": NUMBER,
    "work_status": "scheduled",
    "schedule": {
        "scheduled_start": "2027-03-02T15:00:00Z",
        "scheduled_end": "2027-03-02T16:00:00Z",
        "arrival_window": 120,
    },
    "assigned_employees": [{"id": "pro_1"}],
    "updated_at": "2027-03-01T15:00:00Z",
}


@pytest.fixture
def vendor(settings) -> Iterator[VendorServer]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    with VendorServer() as server:
        answer(server, {})
        yield server
        server.shutdown()


@pytest.fixture
def call(vendor) -> Recorder:
    return Recorder(connect("housecallpro", vendor.url, key=KEY))


def answer(vendor: VendorServer, routes: dict[str, Any]) -> None:
    """Have the vendor answer `METHOD /path` so; what is not listed is not there."""

    def reply(heard: Heard) -> Reply:
        said = routes.get(f"{heard.method} {heard.path.partition('?')[0]}")
        if said is None:
            return Reply(status=404, json={"message": "Not found"})
        if isinstance(said, Callable):  # type: ignore[arg-type]  # a function
            said = said(heard)
        return said if isinstance(said, Reply) else Reply(json=said)

    vendor.otherwise = reply


def query(heard: Heard) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(heard.path).query).items()}


def listed(name: str, *rows: dict[str, Any], pages: int = 1) -> dict[str, Any]:
    return {name: list(rows), "page": 1, "page_size": 100, "total_pages": pages}


def thing(kind: str, **given: Any) -> Thing:
    fields: dict[str, dict[str, Any]] = {
        "customer": {
            "name": "Ada Byron",
            "first_name": "Ada",
            "last_name": "Byron",
            "email": "ada@example.com",
            "phone": "+16025550142",
            "notes": "",
        },
        "property": {
            "line1": "1 Elm St.",
            "line2": "",
            "city": "Phoenix",
            "region": "AZ",
            "postal_code": "85004",
            "country": "US",
        },
        "technician": {"email": "tom@example.com", "phone": "", "name": "Tom"},
        "appointment": {
            "status": "scheduled",
            "window_starts_at": "2027-03-02T15:00:00Z",
            "window_ends_at": "2027-03-02T17:00:00Z",
            "starts_at": "2027-03-02T15:30:00Z",
            "ends_at": "2027-03-02T16:30:00Z",
            "technicians": CREW,
            "service_name": "Tune-up",
            "price_cents": 9900,
            "notes": "",
            "source": "website",
            "cancellation_reason": "",
        },
    }
    fields["lead"] = {
        **fields["customer"],
        **fields["property"],
        "summary": "No heat",
        "source": "website",
        "service": "repair",
    }
    reference = REFERENCE if kind == "appointment" else "L-ABCDEFGH"
    return Thing(
        kind=kind, id=uuid4(), reference=reference, fields=fields[kind] | given
    )


def body(one: Thing) -> dict[str, Any]:
    rules = [
        Rule(kind=row.kind, field=row.field, remote=row.remote, choices=row.choices)
        for row in CONNECTOR.mapping
        if row.kind == one.kind and row.direction != "in"
    ]
    return body_of(rules, one.fields)


def create(call: Recorder, one: Thing, known: Known = KNOWN) -> Any:
    return CONNECTOR.create(call, one, known, body(one))


def find(call: Recorder, one: Thing, known: Known = KNOWN) -> Any:
    return CONNECTOR.find(call, one, known)


def fetch(call: Recorder, remote_type: str, remote_id: str) -> Any:
    return CONNECTOR.fetch(call, remote_type, remote_id)


def update(call: Recorder, one: Thing, *changed: str, **ids: str) -> Any:
    known = Known(ids={"job": "job_1", "customer": "cus_1", **ids})
    return CONNECTOR.update(call, one, known, body(one), frozenset(changed))


# --- Who we are ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "expected"),
    [
        ({}, {"authorization": f"Token {KEY}"}),
        ({"key_type": "oauth"}, {"authorization": f"Bearer {KEY}"}),
        ({"company_id": "c9"}, {"x-company-id": "c9"}),
    ],
)
def test_the_key_goes_as_its_kind_asks(vendor, call, settings_, expected) -> None:
    call.settings.update(settings_)
    answer(vendor, {"GET /employees": listed("employees", {"id": "pro_1"})})

    assert "works" in CONNECTOR.check(call)

    assert expected.items() <= vendor.heard[0].headers.items()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"message": "Unauthorized"}, "Unauthorized"),
        ({"error": {"message": "Bad day"}}, "Bad day"),
        ({"error": "Not found"}, "Not found"),
        ({"errors": {"email": ["is odd", "is long"]}}, "email: is odd, is long"),
        ({"message": "Invalid", "zip": ["is blank"]}, "Invalid; zip: is blank"),
        ("<html>no such page</html>", ""),
        ([1], ""),
    ],
)
def test_all_five_shapes_of_an_error_are_read(said, expected) -> None:
    assert CONNECTOR.failure_of(422, said) == ("", expected)


# --- Customers, addresses, technicians ----------------------------------------


def test_a_customer_is_known_by_phone_before_e_mail(vendor, call) -> None:
    by_email = {"id": "cus_1", "email": "ADA@example.com"}
    by_phone = {"id": "cus_2", "mobile_number": "(602) 555-0142"}
    near = {"id": "cus_3", "email": "ada@example.com.au"}
    answer(vendor, {"GET /customers": listed("customers", near, by_email, by_phone)})

    found = find(call, thing("customer"))

    assert (found.remote_type, found.remote_id) == ("customer", "cus_2")
    assert found.fields["phone"] == "+16025550142"
    assert [query(one)["q"] for one in vendor.heard] == [
        "ada@example.com",
        "6025550142",
    ]


def test_an_e_mail_that_two_share_tells_nobody(vendor, call) -> None:
    two = [{"id": f"cus_{n}", "email": "ada@example.com"} for n in (1, 2)]
    answer(vendor, {"GET /customers": listed("customers", *two)})

    assert find(call, thing("customer")) is None


def test_who_has_no_contact_is_known_by_our_reference(vendor, call) -> None:
    made: list[dict[str, Any]] = []

    def write(heard: Heard) -> dict[str, Any]:
        made.append({"id": "cus_1", **json.loads(heard.body)})
        return made[-1]

    answer(
        vendor,
        {
            "POST /customers": write,
            "GET /customers": lambda _: listed("customers", *made),
        },
    )
    nobody = thing("customer", email="", phone="")

    created = create(call, nobody)

    assert find(call, nobody) == created


def test_a_customer_is_written_down_without_letters_from_them(vendor, call) -> None:
    answer(vendor, {"POST /customers": {"id": "cus_1"}})

    assert create(call, thing("customer")).remote_id == "cus_1"

    assert call.sent("POST") == [
        {
            "first_name": "Ada",
            "last_name": "Byron",
            "email": "ada@example.com",
            "mobile_number": "6025550142",
            "notifications_enabled": False,
        }
    ]


def test_a_blank_only_replaces_what_they_had_from_us(vendor, call) -> None:
    answer(vendor, {"PUT /customers/cus_1": {"id": "cus_1"}})
    blank = thing("customer", email="", last_name="")
    known = Known(ids={"customer": "cus_1"}, agreed={"email": "ada@example.com"})

    CONNECTOR.update(call, blank, known, body(blank), frozenset({"email"}))

    assert call.sent("PUT") == [
        {"first_name": "Ada", "email": "", "mobile_number": "6025550142"}
    ]


def test_an_address_is_compared_as_people_would(vendor, call) -> None:
    rows = [
        {"id": "adr_1", "street": "1 Elm St", "zip": "85005"},
        {"id": "adr_2", "street": "1  elm st", "zip": "85004-1234"},
    ]
    answer(vendor, {"GET /customers/cus_1": {"id": "cus_1", "addresses": rows}})

    found = find(call, thing("property"))

    assert (found.remote_type, found.remote_id) == ("address", "adr_2")


@pytest.mark.parametrize(
    "said",
    [
        {"id": "adr_2", "street": "1 Elm St.", "zip": "85004"},
        {
            "id": "cus_1",
            "addresses": [{"id": "adr_2", "street": "1 Elm St.", "zip": "85004"}],
        },
    ],
)
def test_a_new_address_is_found_in_either_answer(vendor, call, said) -> None:
    answer(vendor, {"POST /customers/cus_1/addresses": said})

    assert create(call, thing("property")).remote_id == "adr_2"


def test_a_new_address_that_is_not_shown_may_be_there(vendor, call) -> None:
    answer(vendor, {"POST /customers/cus_1/addresses": {"id": "cus_1"}})

    with pytest.raises(NoAnswer):
        create(call, thing("property"))


def test_technicians_are_found_and_never_made(vendor, call) -> None:
    tom = {"id": "pro_1", "first_name": "Tom", "email": "Tom@Example.com"}
    answer(vendor, {"GET /employees": listed("employees", {"id": "pro_2"}, tom)})

    assert find(call, thing("technician")).remote_id == "pro_1"
    with pytest.raises(NotYet):
        create(call, thing("technician"))


# --- Leads --------------------------------------------------------------------


def test_a_lead_is_for_whom_they_know(vendor, call) -> None:
    ada = {"id": "cus_7", "email": "ada@example.com"}
    answer(
        vendor,
        {
            "GET /customers": listed("customers", ada),
            "POST /leads": {"id": "lea_1", "status": "open"},
        },
    )

    lead = create(call, thing("lead"))

    [sent] = call.sent("POST")
    assert sent["customer_id"] == "cus_7"
    assert "customer" not in sent
    assert sent["note"] == "No heat\nref:L-ABCDEFGH"
    assert sent["tags"] == ["repair"]
    assert sent["address"]["zip"] == "85004"
    assert lead.reference == "L-ABCDEFGH"


def test_a_lead_of_a_stranger_brings_the_customer(vendor, call) -> None:
    answer(
        vendor,
        {"GET /customers": listed("customers"), "POST /leads": {"id": "lea_1"}},
    )

    create(call, thing("lead"))

    assert call.sent("POST")[0]["customer"]["mobile_number"] == "6025550142"


def test_a_lead_is_found_by_the_reference_in_its_note(vendor, call) -> None:
    rows = [
        {"id": "lea_1", "note": "ref:L-OTHER000"},
        {"id": "lea_2", "note": "No heat\nref:L-ABCDEFGH"},
    ]
    answer(
        vendor,
        {"GET /customers": listed("customers"), "GET /leads": listed("leads", *rows)},
    )

    assert find(call, thing("lead")).remote_id == "lea_2"


# --- Jobs ---------------------------------------------------------------------


def test_a_visit_becomes_a_job_with_the_promised_window(vendor, call) -> None:
    answer(vendor, {"POST /jobs": JOB})

    job = create(call, thing("appointment"))

    assert (job.remote_id, job.reference) == ("job_1", REFERENCE)
    assert call.sent("POST") == [
        {
            "customer_id": "cus_1",
            "address_id": "adr_1",
            "schedule": {
                "scheduled_start": "2027-03-02T15:00:00Z",
                "scheduled_end": "2027-03-02T16:30:00Z",
                "arrival_window": 120,
            },
            "assigned_employee_ids": CREW,
            "line_items": [{"name": "Tune-up", "unit_price": 9900, "quantity": 1}],
            "lead_source": "website",
            "invoice_number": NUMBER,
        }
    ]


def test_invoice_numbers_are_references_and_back() -> None:
    one = thing("appointment")

    assert invoice_number(one, settings={}) == NUMBER
    assert reference_of(NUMBER) == REFERENCE
    assert invoice_number(one, settings={"invoice_number": "reference"}) == REFERENCE
    assert invoice_number(one, settings={"invoice_number": "none"}) == ""
    assert reference_of("INV-12") == reference_of(str(10**13)) == ""


def test_a_taken_invoice_number_is_our_job_of_before(vendor, call) -> None:
    refusal = Reply(status=422, json={"errors": {"invoice_number": ["is taken"]}})
    answer(vendor, {"POST /jobs": refusal, "GET /jobs": listed("jobs", JOB)})

    assert create(call, thing("appointment")).remote_id == "job_1"


def test_any_other_refusal_is_one(vendor, call) -> None:
    refusal = Reply(status=422, json={"message": "address_id is missing"})
    answer(vendor, {"POST /jobs": refusal, "GET /jobs": listed("jobs")})

    with pytest.raises(Refused, match="address_id is missing"):
        create(call, thing("appointment"))


@pytest.mark.parametrize("status", ["held", "requested", "cancelled", "no_show"])
def test_a_visit_that_is_not_firm_or_is_off_is_no_job(vendor, call, status) -> None:
    with pytest.raises(NotYet):
        create(call, thing("appointment", status=status))
    assert vendor.heard == []


def test_a_lost_job_is_searched_by_its_number_page_by_page(vendor, call) -> None:
    def page(heard: Heard) -> dict[str, Any]:
        is_first = query(heard)["page"] == "1"
        row = {"id": "job_0", "invoice_number": "12"} if is_first else JOB
        return listed("jobs", row, pages=2)

    answer(vendor, {"GET /jobs": page})

    assert find(call, thing("appointment")).remote_id == "job_1"
    assert query(vendor.heard[0])["customer_id"] == "cus_1"


def test_without_numbers_a_lost_job_is_known_by_its_start(vendor, call) -> None:
    call.settings["invoice_number"] = "none"
    answer(vendor, {"GET /jobs": listed("jobs", JOB | {"invoice_number": "12"})})

    assert find(call, thing("appointment")).remote_id == "job_1"


MOVED = {
    "start_time": "2027-03-02T15:00:00Z",
    "end_time": "2027-03-02T16:30:00Z",
    "dispatched_employees_ids": CREW,
    "arrival_window_minutes": 120,
}


def test_a_company_key_moves_the_jobs_appointment(vendor, call) -> None:
    rows = listed("appointments", {"id": "apt_1"})
    answer(
        vendor,
        {
            "GET /jobs/job_1/appointments": rows,
            "PUT /jobs/job_1/appointments/apt_1": {"id": "apt_1"},
        },
    )

    remote = update(call, thing("appointment"), "window_starts_at")

    assert call.sent("PUT") == [MOVED]
    assert remote.also == {"job_appointment": "apt_1"}


def test_a_job_that_lost_its_appointment_gets_a_new_one(vendor, call) -> None:
    answer(
        vendor,
        {
            "GET /jobs/job_1/appointments": [],
            "POST /jobs/job_1/appointments": Reply(status=201, json={"id": "apt_2"}),
        },
    )

    remote = update(call, thing("appointment"), "technicians")

    assert call.sent("POST") == [MOVED]
    assert remote.also == {"job_appointment": "apt_2"}


def test_which_of_several_appointments_is_ours_a_person_tells(vendor, call) -> None:
    rows = listed("appointments", {"id": "apt_1"}, {"id": "apt_2"})
    answer(
        vendor,
        {
            "GET /jobs/job_1/appointments": rows,
            "PUT /jobs/job_1/appointments/apt_2": {"id": "apt_2"},
        },
    )

    with pytest.raises(Refused, match="several appointments"):
        update(call, thing("appointment"), "window_starts_at")
    update(call, thing("appointment"), "window_starts_at", job_appointment="apt_2")
    assert call.sent("PUT") == [MOVED]


def test_an_applications_key_moves_the_schedule_and_dispatches(vendor, call) -> None:
    call.settings["key_type"] = "application"
    answer(vendor, {"PUT /jobs/job_1/schedule": {}, "PUT /jobs/job_1/dispatch": {}})

    update(call, thing("appointment"), "window_starts_at", "technicians")

    assert call.sent("PUT") == [
        {
            "start_time": "2027-03-02T15:00:00Z",
            "end_time": "2027-03-02T16:30:00Z",
            "arrival_window_in_minutes": 120,
            "notify": False,
            "notify_pro": True,
        },
        {"dispatched_employees": [{"employee_id": "pro_1"}]},
    ]


@pytest.mark.parametrize(
    ("key_type", "path"),
    [
        ("company", "DELETE /jobs/job_1/appointments/apt_1"),
        ("application", "DELETE /jobs/job_1/schedule"),
    ],
)
def test_a_cancelled_visit_leaves_their_calendar_with_one_note(
    vendor, call, key_type, path
) -> None:
    call.settings["key_type"] = key_type
    notes: list[dict[str, Any]] = []

    def note(heard: Heard) -> Reply:
        notes.append(json.loads(heard.body))
        return Reply(status=201, json=notes[-1])

    answer(
        vendor,
        {
            "GET /jobs/job_1/appointments": listed("appointments", {"id": "apt_1"}),
            path: Reply(status=204, body=b""),
            "GET /jobs/job_1": lambda _: JOB | {"notes": notes},
            "POST /jobs/job_1/notes": note,
        },
    )
    off = thing("appointment", status="cancelled", cancellation_reason="Sold the house")

    for _ in range(2):
        update(call, off, "status")

    assert f"{call.made[1 if key_type == 'company' else 0].method} " in path
    assert notes == [
        {"content": f"Cancelled in Fieldbook ({REFERENCE}): Sold the house"}
    ]


def test_what_is_off_their_calendar_already_is_no_error(vendor, call) -> None:
    call.settings["key_type"] = "application"
    answer(
        vendor,
        {
            "GET /jobs/job_1": JOB,
            "POST /jobs/job_1/notes": Reply(status=201, json={"content": "x"}),
        },
    )

    assert update(call, thing("appointment", status="no_show"), "status") is None
    assert call.sent("POST")[0]["content"].startswith("No-show in Fieldbook")


def test_what_they_let_nobody_set_is_not_told(vendor, call) -> None:
    assert "work_status" not in body(thing("appointment", status="completed"))
    assert update(call, thing("appointment", status="completed"), "status") is None
    assert vendor.heard == []


# --- What comes in ------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"work_status": "scheduled"}, "scheduled"),
        (
            {
                "work_status": "scheduled",
                "work_timestamps": {"on_my_way_at": "2027-03-02T15:00:00Z"},
            },
            "en_route",
        ),
        ({"work_status": "in progress"}, "on_site"),
        ({"work_status": "in_progress"}, "on_site"),
        ({"work_status": "complete rated"}, "completed"),
        ({"work_status": "complete unrated"}, "completed"),
        ({"work_status": "completed"}, "completed"),
        ({"work_status": "user canceled"}, "cancelled"),
        ({"work_status": "pro canceled"}, "cancelled"),
        ({"work_status": "canceled"}, "cancelled"),
        ({"canceled_at": "2027-03-02T15:00:00Z"}, "cancelled"),
        ({"work_status": "needs scheduling"}, None),
        ({"work_status": "something new"}, None),
    ],
)
def test_both_spellings_of_a_status_are_one(vendor, call, row, status) -> None:
    answer(vendor, {"GET /jobs/job_1": {"id": "job_1", **row}})

    job = fetch(call, "job", "job_1")

    assert job is not None
    assert job.fields.get("status") == status


def test_a_job_is_read_in_our_words(vendor, call) -> None:
    answer(vendor, {"GET /jobs/job_1": JOB})

    job = fetch(call, "job", "job_1")

    assert job.fields == {
        "window_starts_at": "2027-03-02T15:00:00Z",
        "technicians": CREW,
        "status": "scheduled",
    }
    assert job.version == "2027-03-01T15:00:00.000000+00:00"
    assert fetch(call, "job", "job_9") is None
    assert fetch(call, "invoice", "inv_1") is None


def envelope(event: str, **records: Any) -> Inbound:
    said = {"event": event, "event_occurred_at": "2027-03-01T15:00:00Z", **records}
    return Inbound(event_type=event, headers={}, body=json.dumps(said).encode())


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (envelope("job.scheduled", job=JOB), "appointment"),
        (envelope("customer.updated", customer={"id": "cus_1"}), "customer"),
        (envelope("lead.lost", lead={"id": "lea_1", "status": "lost"}), "lead"),
        (envelope("employee.created", employee={"id": "pro_1"}), "technician"),
        (envelope("pro.created", pro={"id": "pro_1"}), "technician"),
    ],
)
def test_a_callback_is_its_record(call, event, kind) -> None:
    [remote] = CONNECTOR.read(call, event)

    assert remote.kind == kind
    assert not remote.is_gone
    assert call.made == []


@pytest.mark.parametrize(
    "record",
    [
        {"appointment": {"id": "apt_1", "job_id": "job_1"}},
        {"appointment": {"id": "apt_1", "job": {"id": "job_1"}}},
        {"appointment": {"id": "apt_1"}, "job": {"id": "job_1"}},
    ],
)
def test_of_an_appointment_the_job_is_read(vendor, call, record) -> None:
    answer(vendor, {"GET /jobs/job_1": JOB})

    [job] = CONNECTOR.read(call, envelope("job.appointment.rescheduled", **record))

    assert job.fields["window_starts_at"] == "2027-03-02T15:00:00Z"


def test_a_deleted_job_is_gone(call) -> None:
    [job] = CONNECTOR.read(call, envelope("job.deleted", job=JOB))

    assert job.is_gone


@pytest.mark.parametrize(
    "body",
    [
        b'{"foo":"bar"}',
        b"[]",
        b'{"event":"invoice.paid","invoice":{"id":"inv_1"}}',
        b'{"event":"job.created","job":"?"}',
        b'{"event":"job.appointment.scheduled","appointment":{"id":"apt_1"}}',
    ],
)
def test_what_is_not_for_us_is_nothing(call, body) -> None:
    assert CONNECTOR.read(call, Inbound(event_type="", headers={}, body=body)) == []


def change(n: int, minute: int) -> dict[str, Any]:
    return JOB | {"id": f"job_{n}", "updated_at": f"2027-03-01T15:{minute:02}:00Z"}


def test_changes_are_read_from_the_newest_down_to_the_last_seen(vendor, call) -> None:
    call.settings["overlap_minutes"] = "1"
    pages: dict[str, list[dict[str, Any]]] = {"1": [change(1, 10)]}
    answer(
        vendor,
        {
            "GET /jobs": lambda heard: listed(
                "jobs", *pages[query(heard)["page"]], pages=len(pages) + 3
            )
        },
    )
    first = CONNECTOR.poll(call, "jobs", "")
    assert not first.has_more  # the first round only sets the mark

    pages |= {"1": [change(5, 40), change(4, 30)], "2": [change(3, 20), change(2, 5)]}
    one = CONNECTOR.poll(call, "jobs", first.cursor)
    two = CONNECTOR.poll(call, "jobs", one.cursor)

    assert [job.remote_id for job in one.remotes] == ["job_5", "job_4"]
    assert [job.remote_id for job in two.remotes] == ["job_3"]
    assert (one.has_more, two.has_more) == (True, False)
    assert two.cursor == "2027-03-01T15:39:00.000000+00:00"
    newest = {"sort_by": "updated_at", "sort_direction": "desc"}
    assert newest.items() <= query(vendor.heard[0]).items()


def test_the_calendar_is_read_as_a_whole(vendor, call) -> None:
    """What forgot to move its time of change is found all the same."""

    def page(heard: Heard) -> dict[str, Any]:
        return listed("jobs", change(int(query(heard)["page"]), 0), pages=2)

    answer(vendor, {"GET /jobs": page})

    first = CONNECTOR.poll(call, "schedule", "")
    second = CONNECTOR.poll(call, "schedule", first.cursor)

    assert (first.has_more, second.has_more, second.cursor) == (True, False, "")
    asked = query(vendor.heard[0])
    assert asked["scheduled_start_min"] < asked["scheduled_start_max"]


def test_employees_are_read_as_a_whole(vendor, call) -> None:
    answer(vendor, {"GET /employees": listed("employees", {"id": "pro_1"})})

    page = CONNECTOR.poll(call, "employees", "")

    assert [one.kind for one in page.remotes] == ["technician"]
    assert not page.has_more


# --- What goes wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "read", "write"),
    [
        (Reply(status=429), Busy, Busy),
        (Reply(status=503, body=b"<html>down</html>"), Busy, Busy),
        (Reply(status=200, body=b"<html>hello</html>"), Busy, NoAnswer),
        (Reply(status=200, body=b'{"customers": [{"id"'), Busy, NoAnswer),
        (Reply(status=200, json={}), Busy, NoAnswer),
        (Reply(status=401, json={"message": "Unauthorized"}), NotAllowed, NotAllowed),
        (Reply(status=404, body=b"<html>404</html>"), Refused, Refused),
        (Reply(status=422, json={"error": "no"}), Refused, Refused),
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_each_answer_is_what_it_means(vendor, call, reply, read, write, writes):
    answer(vendor, {"GET /customers": reply, "POST /customers": reply})

    with pytest.raises(write if writes else read):
        (create if writes else find)(call, thing("customer"))
