"""ServiceTitan: visits that its own office makes, read whole."""

from typing import Any

import pytest

from integrations.connectors.port import Caller, Originating
from integrations.connectors.servicetitan import ServiceTitan, origins
from integrations.rules.things import Remote
from integrations.services.sync import tell
from integrations.services.sync.partners import partner_of
from tests.factories import TOMORROW, local, make_lead
from tests.integrations.sync.company import make_visit
from tests.integrations.sync.conftest import connection, crew, crm
from tests.integrations.sync.crm import Crm, send_all

__all__ = ["connection", "crew", "crm"]  # fixtures

pytestmark = pytest.mark.django_db


def at(hour: int) -> str:
    """Return an hour of tomorrow as they write it."""
    return f"{local(TOMORROW, hour):%Y-%m-%dT%H:%M:%SZ}"


ADA = {
    "name": "Ada Byron",
    "phone": "(602) 555-0142",
    "email": "Ada@Example.com",
    "street": "1 Elm St",
    "zip": "85004",
}
TEN, ELEVEN, NOON, ONE = map(at, (17, 18, 19, 20))


@pytest.fixture
def call(connection) -> Caller:
    return partner_of(connection).call


@pytest.fixture
def technician(crm: Crm, connection) -> int:
    """Return their id of somebody who works there."""
    return int(crm.rows("technicians")[-1]["id"])


def book(crm: Crm, **given: Any) -> Remote:
    """Let a call taker book, and return the appointment as a feed names it."""
    crm.act("book", **{**ADA, "start": TEN, "end": ELEVEN} | given)
    return last_of(crm)


def last_of(crm: Crm) -> Remote:
    """Return the newest appointment as a feed names it."""
    row = crm.rows("appointments")[-1]
    return Remote(
        kind="appointment",
        remote_type="appointment",
        remote_id=str(row["id"]),
        also={"job": str(row["jobId"])},
    )


def whole(call: Caller, remote: Remote) -> Remote:
    found = ServiceTitan().whole(call, remote)
    assert found is not None
    return found


def parents(remote: Remote) -> dict[str, Remote]:
    return {parent.kind: parent for parent in remote.parents}


def forget(crm: Crm, table: str, **members: Any) -> None:
    """Let the newest row of a table say something that no act of a person would."""
    vendor: Any = crm.place.vendor
    with crm.place.lock:
        rows = getattr(vendor._books, table)
        rows.change(list(rows)[-1], **members)


def test_it_is_a_vendor_whose_people_make_visits() -> None:
    assert isinstance(ServiceTitan(), Originating)


def test_a_visit_is_read_with_its_job_and_crew(crm: Crm, call, technician) -> None:
    kind = crm.rows("job_types")[1]["id"]

    found = whole(call, book(crm, technician=technician, job_type=kind, summary="Hot"))

    assert found.fields == {
        "window_starts_at": TEN,
        "window_ends_at": ELEVEN,
        "starts_at": TEN,
        "ends_at": ELEVEN,
        "work_minutes": 60,
        "status": "scheduled",
        "technicians": [str(technician)],
        "service": str(kind),
        "location": crm.first("business_units"),
        "summary": "Hot",
    }
    assert (found.remote_id, found.also) == (
        crm.first("appointments"),
        {"job": crm.first("jobs")},
    )
    assert found.version
    assert found.reference == ""


def test_it_brings_customer_and_address(crm: Crm, call) -> None:
    found = parents(whole(call, book(crm)))

    assert set(found) == {"customer", "property"}
    assert found["customer"].remote_id == crm.first("customers")
    assert found["customer"].fields == {
        "name": "Ada Byron",
        "phone": "+16025550142",
        "email": "ada@example.com",
    }
    assert (found["property"].remote_type, found["property"].remote_id) == (
        "location",
        crm.first("locations"),
    )
    assert found["property"].fields == {
        "line1": "1 Elm St",
        "line2": "",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": "85004",
    }


def test_a_job_without_a_summary_says_none(crm: Crm, call) -> None:
    assert "summary" not in whole(call, book(crm)).fields


def test_the_job_is_named_by_the_appointment_too(crm: Crm, call) -> None:
    told = book(crm)
    bare = Remote(
        kind="appointment", remote_type="appointment", remote_id=told.remote_id
    )

    assert whole(call, bare).also == told.also


# --- Several appointments -----------------------------------------------------


def test_each_appointment_of_a_job_is_a_visit(crm: Crm, call, technician) -> None:
    first = book(crm, summary="Hot")
    crm.act(
        "add_appointment",
        job=int(first.also["job"]),
        start=NOON,
        end=ONE,
        technician=technician,
    )

    one, two = whole(call, first), whole(call, last_of(crm))

    assert (one.also, two.also) == (first.also, {})
    assert (one.fields["starts_at"], two.fields["starts_at"]) == (TEN, NOON)
    assert (one.fields["technicians"], two.fields["technicians"]) == (
        [],
        [str(technician)],
    )
    assert two.fields["summary"] == "Hot"
    assert [each.remote_id for each in one.parents] == [
        each.remote_id for each in two.parents
    ]


def test_only_the_first_of_a_job_of_ours_is_ours(crm: Crm, connection, crew) -> None:
    visit = make_visit(crew[0])
    tell(connection=connection, kind="appointment", object_id=visit.pk)
    send_all()
    ours = last_of(crm)
    crm.act("add_appointment", job=int(ours.also["job"]), start=NOON, end=ONE)
    call = partner_of(connection).call

    one, two = whole(call, ours), whole(call, last_of(crm))

    assert one.reference == visit.reference
    assert (two.reference, two.also) == ("", {})


# --- Where it ends ------------------------------------------------------------


def test_one_that_was_cancelled_says_so(crm: Crm, call) -> None:
    told = book(crm)
    crm.act("cancel", job=int(told.also["job"]))

    assert whole(call, told).fields["status"] == "cancelled"


def test_one_that_is_done_says_so(crm: Crm, call) -> None:
    told = book(crm)
    crm.act("finish", appointment=int(told.remote_id))

    assert whole(call, told).fields["status"] == "completed"


@pytest.mark.parametrize("number", ["41999999", "none"])
def test_one_that_is_not_there_is_none(crm: Crm, call, number) -> None:
    told = Remote(kind="appointment", remote_type="appointment", remote_id=number)

    assert ServiceTitan().whole(call, told) is None


def test_one_that_was_deleted_is_none(crm: Crm, call) -> None:
    told = book(crm)
    crm.lose_appointment()

    assert ServiceTitan().whole(call, told) is None


def test_one_whose_job_is_gone_is_none(crm: Crm, call) -> None:
    told = book(crm)
    forget(crm, "appointments", jobId=7)

    assert ServiceTitan().whole(call, told) is None


def test_one_that_names_no_job_is_none(crm: Crm, call) -> None:
    told = book(crm)
    forget(crm, "appointments", jobId=None)

    assert ServiceTitan().whole(call, told) is None


def test_one_without_a_time_is_none(crm: Crm, call) -> None:
    told = book(crm)
    forget(crm, "appointments", start=None)

    assert ServiceTitan().whole(call, told) is None


def test_a_customer_who_is_gone_is_not_there(crm: Crm, call) -> None:
    told = book(crm)
    forget(crm, "jobs", customerId=7)

    assert set(parents(whole(call, told))) == {"property"}


def test_a_feed_tells_of_a_deleted_one_as_gone(crm: Crm, call) -> None:
    told = book(crm)
    crm.act("add_appointment", job=int(told.also["job"]), start=NOON, end=ONE)
    forget(crm, "appointments", active=False)

    page = ServiceTitan().poll(call, "appointments", "")

    assert [remote.is_gone for remote in page.remotes] == [False, True]


# --- Words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("No heat", "No heat"),
        (
            "<p>No <b>heat</b></p><p>Dog&nbsp;in the yard</p>",
            "No heat\nDog in the yard",
        ),
        ("No heat<br/>Gate 12&amp;13<BR>", "No heat\nGate 12&13"),
        ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
        ("Under &lt;5 amps, over > 3", "Under <5 amps, over > 3"),
        ("<script>1</script>", "1"),
        ("  <p> </p> ", ""),
        ("<a" * 600, "<a" * 600),
        ("", ""),
    ],
)
def test_a_summary_is_plain_text(html, text) -> None:
    assert origins.plain(html) == text


def test_a_summary_of_html_is_read_as_text(crm: Crm, call) -> None:
    told = book(crm, summary="<p>No heat</p><p>Dog &amp; cat</p>")

    assert whole(call, told).fields["summary"] == "No heat\nDog & cat"


# --- Bookings -----------------------------------------------------------------


def test_a_converted_booking_names_its_lead(crm: Crm, connection, call) -> None:
    lead = make_lead()
    tell(connection=connection, kind="lead", object_id=lead.pk)
    send_all()
    number = crm.row("bookings")["id"]
    crm.act("convert_booking", booking=number, start=TEN, end=ELEVEN)

    found = whole(call, last_of(crm))

    booking = parents(found)["lead"]
    assert (booking.remote_type, booking.remote_id) == ("booking", str(number))
    assert set(parents(found)) == {"customer", "property", "lead"}
