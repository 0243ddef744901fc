"""Visits that the vendor's own people made there become ours."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appointments.models import Appointment
from appointments.rules.states import Status
from appointments.services import cancel, reschedule
from core.actors import SYSTEM
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import (
    Connection,
    ExternalLink,
    FieldMapping,
    InboundEvent,
    InboundState,
    PollCursor,
    SyncConflict,
)
from integrations.rules.things import Remote
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import poll_connection, tell
from integrations.services.sync.origins import is_made_there
from leads.models import Customer, LeadStatus
from tests.factories import (
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_customer,
    make_lead,
    make_location,
    make_property,
    make_service,
)
from tests.integrations.sync.company import (
    hear,
    link,
    linked_visit,
    make_connection,
    make_crew,
    make_visit,
    remote_visit,
)
from tests.integrations.sync.crm import Crm, publish, send_all

pytestmark = pytest.mark.django_db

ADA = Remote(
    kind="customer",
    remote_type="customer",
    remote_id="70",
    fields={"name": "Ada Byron", "phone": "+16025550142", "email": "ada@example.com"},
)
HOME = Remote(
    kind="property",
    remote_type="location",
    remote_id="71",
    fields={
        "line1": "1 Main St",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": "85004",
    },
)


@pytest.fixture
def crew():
    return make_crew(2)


@pytest.fixture
def service():
    return make_service(code="ac-repair", duration_minutes=60, window_minutes=120)


@pytest.fixture
def connection(crew, service) -> Connection:
    made = make_connection()
    rows = FieldMapping.objects.filter(connection=made, object_type="appointment")
    rows.filter(field="service").update(choices={service.code: 4711})
    for number, technician in enumerate(crew):
        link(made, "technician", technician.pk, remote=("technician", f"50{number}"))
    return made


def job(*, number=900, start=13, hours=2, crew=("500",), parents=(ADA, HOME), **fields):
    """Return a job of theirs, tomorrow, with all that belongs to it."""
    starts_at = local(TOMORROW, start)
    times = {
        "window_starts_at": starts_at,
        "window_ends_at": starts_at + HOUR,
        "starts_at": starts_at,
        "ends_at": starts_at + hours * HOUR,
    }
    said = {name: text(moment) for name, moment in times.items()}
    usual = {
        "status": "scheduled",
        "service": "4711",
        "summary": "No cooling",
        "technicians": list(crew),
    }
    also = {"job": str(number - 100)}
    bare = remote_visit(number=number, also=also, **usual | said | fields)
    return replace(bare, parents=tuple(parents))


def text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def crew_of(visit: Appointment) -> list:
    rows = visit.assignments.on_the_visit()
    return list(rows.values_list("technician_id", flat=True))


def test_it_is_booked_with_customer_address_and_technician(connection, crew, service):
    taken = hear(connection, job())

    visit = Appointment.objects.get()
    assert taken.state == InboundState.PROCESSED
    assert taken.note == "It was made there, and is ours now."
    assert visit.service == service
    assert visit.window_starts_at == local(TOMORROW, 13)
    assert (visit.work_minutes, visit.notes) == (120, "No cooling")
    assert (visit.customer.name, visit.property.line1) == ("Ada Byron", "1 Main St")
    assert crew_of(visit) == [crew[0].pk]
    kinds = ExternalLink.objects.filter(origin="taken_in")
    assert set(kinds.values_list("object_type", "remote_type")) == {
        ("customer", "customer"),
        ("property", "location"),
        ("appointment", "appointment"),
        ("appointment", "job"),
    }


def test_nothing_is_told_back_to_them(connection):
    hear(connection, job())
    publish()
    assert OutboxMessage.objects.filter(kind="sync").exists()

    sent = send_all()

    # Its address leads nowhere: whoever had called there would have failed.
    ended = {OutboxStatus.DELIVERED, OutboxStatus.SUPERSEDED}
    assert {message.status for message in sent} <= ended


def test_told_twice_it_is_there_once(connection):
    hear(connection, job())
    hear(connection, job())
    hear(connection, replace(job(), parents=()))

    assert Appointment.objects.count() == 1
    assert Customer.objects.count() == 1


def test_their_later_word_is_merged_as_of_every_visit(connection, crew):
    hear(connection, job())
    later = local(TOMORROW, 8)

    hear(connection, replace(job(crew=["501"]), parents=()))
    hear(
        connection,
        remote_visit(window_starts_at=text(later), status="scheduled", version="9"),
    )

    visit = Appointment.objects.get()
    assert visit.window_starts_at == later
    assert crew_of(visit) == [crew[1].pk]
    assert visit.ends_at - visit.starts_at == 2 * HOUR


def test_a_busy_technician_is_not_booked_twice_and_somebody_sees(connection, crew):
    busy = make_appointment(technician=crew[0], starts_at=local(TOMORROW, 13))

    hear(connection, job())

    visit = Appointment.objects.exclude(pk=busy.pk).get()
    assert crew_of(visit) == []
    conflict = SyncConflict.objects.get()
    assert (conflict.object_id, conflict.field) == (visit.pk, "technicians")
    assert conflict.kind == SyncConflict.Kind.NOT_POSSIBLE


def test_who_is_known_by_phone_is_not_written_down_twice(connection):
    known = make_customer(phone="+16025550142", name="Ada B.")
    make_property(customer=known, line1="1 main st", postal_code="85004")

    hear(connection, job())

    visit = Appointment.objects.get()
    assert visit.customer == known
    assert known.properties.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Ada", "phone": "+12", "email": "ada"},
        {"name": "", "phone": "ask the neighbour", "email": "a@b@c"},
        {"name": "x" * 500, "phone": "", "email": "e" * 300 + "@example.com"},
    ],
)
def test_a_customer_whom_nobody_can_reach_is_one_all_the_same(connection, fields):
    taken = hear(connection, job(parents=(replace(ADA, fields=fields), HOME)))

    assert taken.state == InboundState.PROCESSED
    customer = Appointment.objects.get().customer
    assert not customer.contact_methods.exists()


def test_a_type_of_work_that_means_nothing_here_is_given_up_and_can_be_mapped(
    connection, service
):
    unknown = job(service="4712")

    taken = hear(connection, unknown)

    assert taken.state == InboundState.DEAD
    assert "'4712'" in taken.note
    assert not Appointment.objects.exists()
    assert not Customer.objects.exists()

    connection.settings["default_service"] = service.code
    connection.save()
    hear(connection, unknown)

    assert Appointment.objects.get().service == service


def test_an_address_that_nobody_serves_is_given_up(connection):
    far = replace(HOME, fields={**HOME.fields, "postal_code": "99999"})

    taken = hear(connection, job(parents=(ADA, far)))

    assert taken.state == InboundState.DEAD
    assert "99999" in taken.note


def test_a_lead_that_became_a_job_there_is_closed_by_its_visit(connection):
    lead = make_lead(phone="+16025550142")
    link(connection, "lead", lead.pk, remote=("booking", "72"))
    booking = Remote(kind="lead", remote_type="booking", remote_id="72")

    hear(connection, job(parents=(ADA, HOME, booking)))

    lead.refresh_from_db()
    assert lead.status == LeadStatus.CONVERTED
    assert Appointment.objects.get().lead == lead


def test_a_further_appointment_of_a_job_of_ours_is_a_visit_of_its_own(connection, crew):
    ours, _ = linked_visit(connection, crew[1])
    before = ours.window_starts_at

    second = replace(job(number=901), also={"job": "800"})
    hear(connection, second)

    ours.refresh_from_db()
    assert ours.window_starts_at == before
    assert Appointment.objects.exclude(pk=ours.pk).get().status == Status.SCHEDULED


def test_what_is_made_of_a_visit_there_is_told_to_subscribers(connection):
    hear(connection, job())

    names = set(Event.objects.values_list("name", flat=True))
    assert {"appointment.taken_in", "customer.created"} <= names
    assert "appointment.booked" not in names


def test_a_connection_of_one_branch_takes_in_for_that_branch(connection, crew):
    connection.location = crew[0].location
    connection.save()

    hear(connection, job())

    assert Appointment.objects.get().location == crew[0].location

    connection.location = make_location()
    connection.save()
    other = replace(ADA, remote_id="73", fields={"name": "Zoe"})
    refused = hear(connection, job(number=950, start=16, parents=(other, HOME)))

    assert refused.state == InboundState.PROCESSED
    assert Appointment.objects.latest("created_at").location == connection.location


class TestWhatIsLookedAt:
    """Which of theirs are read whole."""

    def test_visits_ahead_that_nobody_knows(self, connection):
        assert is_made_there(connection, job(), now=NOW)

    @pytest.mark.parametrize(
        "fields",
        [
            {"status": "cancelled"},
            {"status": "completed"},
            {"starts_at": "2027-03-01T14:00:00Z"},
            {"starts_at": "", "window_starts_at": ""},
        ],
    )
    def test_neither_what_is_over_nor_what_has_no_time(self, connection, fields):
        assert not is_made_there(connection, job(**fields), now=NOW)

    def test_not_what_is_known(self, connection):
        hear(connection, job())

        assert not is_made_there(connection, job(), now=NOW)

    def test_not_where_nobody_wants_it(self, connection):
        connection.settings["take_in_visits"] = "no"

        assert not is_made_there(connection, job(), now=NOW)


class TestAtTheVendor:
    """From their desk to our calendar, over HTTP."""

    @pytest.fixture
    def connection(self, crm: Crm, crew, service) -> Connection:
        for technician in crew:
            crm.act("add_technician", name=technician.name, email=technician.email)
        return crm.connect(default_service=service.code)

    def test_a_job_that_was_booked_on_the_phone_is_found_by_reading(
        self, crm, connection, crew
    ):
        book_there(crm, technician=crm.rows("technicians")[-1]["id"])

        read_on(connection)

        visit = Appointment.objects.get()
        assert visit.starts_at == local(TOMORROW, 13)
        assert crew_of(visit) == [crew[-1].pk]
        assert visit.customer.name == "Ada Byron"
        assert visit.source == "servicetitan"

    def test_it_is_there_once_however_often_it_is_read(self, crm, connection):
        book_there(crm)
        for _ in range(3):
            read_on(connection)

        assert Appointment.objects.count() == 1
        assert not InboundEvent.objects.filter(state="dead").exists()

    def test_another_day_of_a_job_of_ours_is_a_visit_of_its_own(
        self, crm, connection, crew
    ):
        ours = make_visit(crew[0])
        tell(connection=connection, kind="appointment", object_id=ours.pk)
        send_all()
        start = local(TOMORROW, 15)
        crm.act(
            "add_appointment",
            job=crm.row("jobs")["id"],
            start=start.isoformat(),
            end=(start + HOUR).isoformat(),
        )

        read_on(connection)

        ours.refresh_from_db()
        assert ours.starts_at == local(TOMORROW, 10)
        assert Appointment.objects.exclude(pk=ours.pk).get().starts_at == start

    def test_to_cancel_one_of_two_appointments_does_not_end_the_job(
        self, crm, connection
    ):
        book_there(crm)
        start = local(TOMORROW, 9)
        crm.act(
            "add_appointment",
            job=crm.row("jobs")["id"],
            start=start.isoformat(),
            end=(start + HOUR).isoformat(),
        )
        read_on(connection)
        second = Appointment.objects.get(starts_at=start)

        cancel(appointment_id=second.pk, reason="Rain", actor=SYSTEM, now=NOW)
        publish()
        sent = send_all()

        (refused,) = [message for message in sent if message.status == "dead"]
        assert refused.aggregate_id == second.pk
        assert "only be ended there" in refused.last_error
        assert crm.row("jobs")["jobStatus"] == "Scheduled"

    def test_our_move_of_it_is_told_there(self, crm, connection, crew):
        book_there(crm, technician=crm.rows("technicians")[-1]["id"])
        read_on(connection)
        visit = Appointment.objects.get()

        reschedule(
            appointment_id=visit.pk,
            starts_at=local(TOMORROW, 8),
            actor=SYSTEM,
            now=NOW,
        )
        publish()
        send_all()

        there = crm.row("appointments")
        assert there["start"] == text(local(TOMORROW, 8))
        assert there["end"] == text(local(TOMORROW, 10))
        assert len(crm.rows("jobs")) == 1


def book_there(crm: Crm, *, start: int = 13, technician: int | None = None) -> None:
    starts_at = local(TOMORROW, start)
    crm.act(
        "book",
        name="Ada Byron",
        phone="602 555 0142",
        start=starts_at.isoformat(),
        end=(starts_at + 2 * HOUR).isoformat(),
        zip="85004",
        technician=technician,
    )


def read_on(connection: Connection) -> None:
    """Read all feeds, and take in what they told."""
    PollCursor.objects.update(polled_at=None)
    poll_connection(connection_id=connection.pk, now=NOW, budget=HOUR)
    waiting = InboundEvent.objects.filter(state=InboundState.RECEIVED)
    for event in waiting.order_by("pk"):
        process_inbound(event_id=event.pk, now=NOW)
