"""What happens here is told to the CRM once, whatever happens on the way."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments.models import Service
from appointments.rules.states import Status
from appointments.services import assign, cancel, change_status, reschedule, unassign
from core.actors import SYSTEM
from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from integrations.models import (
    Connection,
    ConnectionState,
    ExternalLink,
    FieldMapping,
    InboundEvent,
    PollCursor,
    SyncConflict,
)
from integrations.sandbox.faults import Kind, RetryAfter, Rule
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import poll_connection, tell
from leads.services import LeadForm, dismiss_lead, receive_lead, update_customer
from tests.factories import NOW, TOMORROW, local, make_customer
from tests.integrations.sync.company import GUID, make_visit, wins
from tests.integrations.sync.crm import Crm, send_again, send_all, told, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(connection, crew):
    customer = make_customer(
        phone="+16025550142", email="ada@example.com", name="Ada Byron"
    )
    return make_visit(crew[0], customer=customer)


@pytest.fixture
def pushed(crm: Crm, connection, visit):
    """Return a visit that the CRM knows, with nothing asked of it since."""
    assert push(connection, visit).status == OutboxStatus.DELIVERED
    crm.forget_calls()
    return visit


def push(connection: Connection, thing, kind: str = "appointment") -> OutboxMessage:
    """Tell the CRM of one thing, and return what came of it."""
    message = tell(connection=connection, kind=kind, object_id=thing.pk)
    send_all()
    message.refresh_from_db()
    return message


def main_link(visit) -> ExternalLink:
    found = ExternalLink.objects.filter(object_id=visit.pk).order_by("pk").first()
    assert found is not None
    return found


# --- Told ---------------------------------------------------------------------


def test_a_visit_becomes_a_customer_a_location_and_a_job(
    crm: Crm, connection, visit, crew
):
    message = push(connection, visit)

    assert message.status == OutboxStatus.DELIVERED, message.last_error
    job, appointment = crm.row("jobs"), crm.row("appointments")
    assert (appointment["start"], appointment["end"]) == (
        "2027-03-02T17:00:00Z",
        "2027-03-02T18:00:00Z",
    )
    assert appointment["arrivalWindowEnd"] == "2027-03-02T19:00:00Z"
    assert crm.row("customers")["name"] == "Ada Byron"
    assert job["locationId"] == crm.row("locations")["id"]
    assert crm.row("assignments")["technicianName"] == crew[0].name


def test_all_of_theirs_is_linked_by_its_id(crm: Crm, connection, visit):
    push(connection, visit)

    links = ExternalLink.objects.exclude(object_type="technician").order_by("pk")
    assert [(row.object_type, row.remote_type, row.remote_id) for row in links] == [
        ("customer", "customer", str(crm.row("customers")["id"])),
        ("property", "location", str(crm.row("locations")["id"])),
        ("appointment", "appointment", str(crm.row("appointments")["id"])),
        ("appointment", "job", str(crm.row("jobs")["id"])),
    ]


def test_what_they_know_is_not_told_again(crm: Crm, connection, pushed):
    message = push(connection, pushed)

    assert message.status == OutboxStatus.DELIVERED
    assert crm.calls() == []


def test_a_new_time_is_told_in_place(crm: Crm, connection, pushed):
    reschedule(
        appointment_id=pushed.pk,
        starts_at=local(TOMORROW, 14),
        actor=SYSTEM,
        now=NOW,
    )

    push(connection, pushed)

    assert crm.row("appointments")["arrivalWindowStart"] == "2027-03-02T21:00:00Z"
    (change,) = crm.changes()
    assert change.endswith("/reschedule")


def test_another_technician_takes_the_place_of_the_first(
    crm: Crm, connection, pushed, crew
):
    assign(appointment_id=pushed.pk, technician_id=crew[1].pk, actor=SYSTEM, now=NOW)

    push(connection, pushed)

    active = [row["technicianName"] for row in crm.rows("assignments") if row["active"]]
    assert active == [crew[1].name]


def test_nobody_on_a_visit_is_told_too(crm: Crm, connection, pushed):
    unassign(appointment_id=pushed.pk, actor=SYSTEM, now=NOW)

    push(connection, pushed)

    assert not any(row["active"] for row in crm.rows("assignments"))


def test_a_cancelled_visit_cancels_the_job_for_the_configured_reason(
    crm: Crm, connection, pushed
):
    cancel(appointment_id=pushed.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    push(connection, pushed)

    job = crm.row("jobs")
    assert (job["jobStatus"], job["cancelMemo"]) == ("Canceled", "Moved away")
    assert str(job["cancelReasonId"]) == connection.settings["cancel_reason_id"]


def test_nobody_at_home_has_a_reason_of_its_own(crm: Crm, connection, pushed):
    change_status(
        appointment_id=pushed.pk,
        to=Status.NO_SHOW,
        reason="Nobody opened",
        actor=SYSTEM,
        now=NOW,
    )

    push(connection, pushed)

    assert (
        str(crm.row("jobs")["cancelReasonId"])
        == connection.settings["no_show_reason_id"]
    )


def test_a_completed_visit_completes_the_job(crm: Crm, connection, pushed):
    for step in (Status.ON_SITE, Status.COMPLETED):
        change_status(appointment_id=pushed.pk, to=step, actor=SYSTEM, now=NOW)

    push(connection, pushed)

    assert crm.row("jobs")["jobStatus"] == "Completed"


def test_a_step_that_only_they_may_set_is_not_told(crm: Crm, connection, pushed):
    change_status(appointment_id=pushed.pk, to=Status.EN_ROUTE, actor=SYSTEM, now=NOW)

    assert push(connection, pushed).status == OutboxStatus.DELIVERED
    assert crm.changes() == []


def test_confirming_is_a_setting(crm: Crm, connection, visit):
    connection.settings["confirm_visits"] = "yes"
    connection.save()

    push(connection, visit)

    assert crm.row("appointments")["isConfirmed"] is True


def test_a_lead_becomes_a_booking_and_is_corrected_there(crm: Crm, connection):
    form = LeadForm(name="Ada", phone="602 555 0142", message="No cooling")
    lead, _ = receive_lead(form=form, actor=SYSTEM, now=NOW)
    told()

    lead.name = "Ada Byron"
    lead.save()
    push(connection, lead, kind="lead")

    booking = crm.row("bookings")
    assert (booking["externalId"], booking["name"]) == (lead.reference, "Ada Byron")
    assert {"type": "MobilePhone", "value": "+16025550142"} in booking["contacts"]


def test_words_that_only_fill_a_booking_do_not_come_back(crm: Crm, connection):
    lead, _ = receive_lead(
        form=LeadForm(name="Ada", phone="602 555 0142"), actor=SYSTEM, now=NOW
    )
    told()
    assert crm.row("bookings")["summary"] == "No message was left."

    PollCursor.objects.all().delete()
    poll_connection(connection_id=connection.pk, now=NOW, budget=timedelta(seconds=60))
    for event in InboundEvent.objects.all():
        process_inbound(event_id=event.pk, now=NOW)

    lead.refresh_from_db()
    assert lead.message == ""
    assert not SyncConflict.objects.exists()


def test_a_lead_that_was_closed_before_is_not_sent(crm: Crm, connection):
    lead, _ = receive_lead(form=LeadForm(name="Ada"), actor=SYSTEM, now=NOW)
    dismiss_lead(lead_id=lead.pk, reason="A joke", actor=SYSTEM, now=NOW)

    *_, message = told()

    assert message.status == OutboxStatus.CANCELLED
    assert crm.rows("bookings") == []


def test_a_customer_is_corrected_there_with_the_contacts(crm: Crm, connection, pushed):
    update_customer(
        customer_id=pushed.customer_id,
        changes={"name": "Ada Lovelace", "contacts": [("phone", "+16025550199")]},
        actor=SYSTEM,
        now=NOW,
    )

    told()

    assert crm.row("customers")["name"] == "Ada Lovelace"
    phones = {
        row["value"]
        for row in crm.rows("contacts")
        if row["type"] == "MobilePhone" and "customerId" in row
    }
    assert phones == {"+16025550199"}


def test_a_second_address_is_a_second_location(crm: Crm, connection, pushed, crew):
    second = make_visit(
        crew[0],
        customer=pushed.customer,
        starts_at=local(TOMORROW, 14),
    )

    push(connection, second)

    assert len(crm.rows("customers")) == 1
    assert len(crm.rows("locations")) == 2


def test_a_customer_whom_they_know_by_phone_is_not_created_again(
    crm: Crm, connection, visit
):
    push(connection, visit)
    ExternalLink.objects.all().delete()

    push(connection, visit.customer, kind="customer")

    assert len(crm.rows("customers")) == 1
    assert main_link(visit.customer).origin == ExternalLink.Origin.FOUND


def test_a_customer_without_an_address_waits_for_a_visit(crm: Crm, connection):
    message = push(connection, make_customer(name="Ada"), kind="customer")

    assert message.status == OutboxStatus.CANCELLED
    assert crm.changes() == []
    assert not ExternalLink.objects.exists()


def test_what_is_not_mapped_is_refused_by_name(crm: Crm, connection, visit):
    del connection.settings["job_type_id"]
    connection.save()

    message = push(connection, visit)

    assert message.status == OutboxStatus.DEAD
    assert visit.service.code in message.last_error
    assert crm.rows("jobs") == []


def test_a_mapped_service_is_their_job_type(crm: Crm, connection, visit):
    wanted = crm.rows("job_types")[2]["id"]
    FieldMapping.objects.filter(object_type="appointment", field="service").update(
        choices={visit.service.code: wanted}
    )

    push(connection, visit)

    assert crm.row("jobs")["jobTypeId"] == wanted


def test_a_technician_whom_they_do_not_know_is_named(crm: Crm, connection, visit, crew):
    crew[0].email = "nobody@shop.test"
    crew[0].save()

    message = push(connection, visit)

    assert message.status == OutboxStatus.DEAD
    assert "technicians" in message.last_error
    assert str(crew[0].pk) in message.last_error


# --- Once ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("crm/customers", "customers"),
        ("jpm/jobs", "jobs"),
    ],
)
@pytest.mark.parametrize("fault", [Kind.CUT_AFTER, Kind.TRUNCATED, Kind.GARBAGE])
def test_an_answer_that_got_lost_creates_nothing_twice(
    crm: Crm, connection, visit, path, kind, fault
):
    """The vendor has done it and we never heard: it is searched, not created."""
    crm.fail(Rule(kind=fault, method="POST", path=crm.path(path), count=1))

    message = push(connection, visit)
    assert message.last_outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.RETRYABLE}
    assert len(crm.rows(kind)) == 1

    send_again()

    message.refresh_from_db()
    assert message.status == OutboxStatus.DELIVERED, message.last_error
    assert len(crm.rows("customers")) == len(crm.rows("jobs")) == 1
    assert len(crm.rows("appointments")) == 1


def test_a_cancellation_whose_answer_got_lost_is_agreed_on(
    crm: Crm, connection, pushed
):
    """They refuse to cancel it once more (409), and say that it is cancelled."""
    crm.fail(Rule(kind=Kind.CUT_AFTER, path=crm.path("jpm/jobs/"), count=1))
    cancel(appointment_id=pushed.pk, reason="Moved away", actor=SYSTEM, now=NOW)
    told()

    send_again()

    message = OutboxMessage.objects.latest("pk")
    assert message.status == OutboxStatus.DELIVERED, message.last_error
    assert crm.row("jobs")["jobStatus"] == "Canceled"
    assert not SyncConflict.objects.exists()


def test_what_waited_is_not_told_over_their_newer_move(crm: Crm, connection, pushed):
    """Ours is older, and still in the outbox: we look before we tell."""
    wins(connection, "appointment", "window_starts_at", "theirs")
    Service.objects.update(horizon_days=300)  # the deliverer's clock is the real one
    reschedule(
        appointment_id=pushed.pk, starts_at=local(TOMORROW, 12), actor=SYSTEM, now=NOW
    )
    theirs = local(TOMORROW, 14)
    crm.act(
        "move",
        appointment=crm.row("appointments")["id"],
        start=theirs.isoformat(),
        end=(theirs + timedelta(hours=1)).isoformat(),
        arrivalWindowStart=theirs.isoformat(),
        arrivalWindowEnd=(theirs + timedelta(hours=2)).isoformat(),
    )

    told()
    told()

    pushed.refresh_from_db()
    assert pushed.window_starts_at == theirs
    assert crm.row("appointments")["start"] == theirs.strftime("%Y-%m-%dT%H:%M:%SZ")
    conflict = SyncConflict.objects.get()
    assert (conflict.field, conflict.kept) == ("window_starts_at", "theirs")


def test_a_lost_answer_to_a_booking_is_found_by_our_reference(crm: Crm, connection):
    crm.fail(Rule(kind=Kind.CUT_AFTER, method="POST", path=crm.path("crm"), count=1))
    receive_lead(form=LeadForm(name="Ada"), actor=SYSTEM, now=NOW)
    told()

    (message,) = send_again()

    assert message.status == OutboxStatus.DELIVERED
    assert len(crm.rows("bookings")) == 1


def test_a_worker_that_dies_before_our_row_leaves_a_claim(
    crm: Crm, connection, visit, monkeypatch
):
    """Kill -9 between the vendor's 200 and our row: nobody tidies up."""
    crash_on_next_link(monkeypatch)
    message = tell(connection=connection, kind="appointment", object_id=visit.pk)
    with pytest.raises(KeyboardInterrupt):
        send_all()
    monkeypatch.undo()
    assert len(crm.rows("customers")) == 1
    claim = ExternalLink.objects.get(remote_id="", object_type="customer")

    OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    send_all()
    message.refresh_from_db()
    assert message.last_outcome == AttemptOutcome.POSTPONED  # it may still be alive

    ExternalLink.objects.filter(pk=claim.pk).update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )
    send_again()
    message.refresh_from_db()
    assert message.status == OutboxStatus.DELIVERED
    assert len(crm.rows("customers")) == 1


def crash_on_next_link(monkeypatch) -> None:
    def crash(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("integrations.services.sync.links.make", crash)


def test_what_was_never_sent_leaves_no_claim(crm: Crm, connection, visit):
    crm.fail(Rule(kind=Kind.THROTTLE, method="POST", path=crm.path("crm/customers")))

    push(connection, visit)

    assert not ExternalLink.objects.filter(object_type="customer").exists()


# --- Refused ------------------------------------------------------------------


def test_a_429_that_names_its_seconds_in_the_title_is_heeded(
    crm: Crm, connection, visit
):
    crm.fail(
        Rule(
            kind=Kind.THROTTLE,
            path=crm.path("crm"),
            seconds=1200,
            retry_after=RetryAfter.NONE,
        )
    )

    message = push(connection, visit)

    assert message.status == OutboxStatus.PENDING
    wait = message.next_attempt_at - timezone.now()
    assert timedelta(minutes=15) < wait < timedelta(minutes=25)


def test_refused_credentials_park_what_waits(crm: Crm, connection, visit):
    connection.credentials = '{"client_id": "x", "client_secret": "y", "app_key": "z"}'
    connection.save()

    message = push(connection, visit)

    connection.refresh_from_db()
    assert message.status == OutboxStatus.PARKED
    assert connection.state == ConnectionState.NEEDS_ATTENTION


def test_a_token_that_was_revoked_is_renewed_once(crm: Crm, connection, pushed):
    crm.act("revoke_tokens")
    cancel(appointment_id=pushed.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    assert push(connection, pushed).status == OutboxStatus.DELIVERED


def test_what_waits_for_a_paused_connection_is_parked_at_once(connection, visit):
    connection.state = ConnectionState.PAUSED
    connection.save()

    message = tell(connection=connection, kind="appointment", object_id=visit.pk)

    message.refresh_from_db()
    assert message.status == OutboxStatus.PARKED


def test_a_409_is_read_again_and_both_agree(crm: Crm, connection, pushed):
    """The office there cancelled it between our look and our word."""
    too_late = Rule(kind=Kind.ERROR, status=409, handled=True, method="PUT", count=1)
    crm.fail(too_late)
    cancel(appointment_id=pushed.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    message = push(connection, pushed)

    assert message.status == OutboxStatus.DELIVERED
    assert "agree" in message.delivery_attempts.get().response_excerpt
    assert not SyncConflict.objects.exists()


def test_a_409_where_they_moved_on_is_kept_as_a_conflict(crm: Crm, connection, pushed):
    """Their technician works there already: our new time comes too late."""
    crm.act("work", appointment=crm.row("appointments")["id"])
    cancel(appointment_id=pushed.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    message = push(connection, pushed)

    assert message.status == OutboxStatus.DEAD
    assert message.delivery_attempts.get().http_status == 409
    conflict = SyncConflict.objects.get()
    assert (conflict.field, conflict.ours, conflict.theirs) == (
        "status",
        "cancelled",
        "on_site",
    )
    assert "They refuse" in conflict.why


def test_a_thing_that_is_gone_there_asks_a_person(crm: Crm, connection, pushed):
    crm.lose_appointment()
    reschedule(
        appointment_id=pushed.pk, starts_at=local(TOMORROW, 14), actor=SYSTEM, now=NOW
    )

    message = push(connection, pushed)

    assert message.status == OutboxStatus.DEAD
    assert main_link(pushed).is_gone
    assert SyncConflict.objects.get().field == "existence"
    assert push(connection, pushed).status == OutboxStatus.CANCELLED


# --- Newest -------------------------------------------------------------------


def test_many_changes_are_told_as_one(crm: Crm, connection, pushed):
    for hour in (12, 14, 16):
        reschedule(
            appointment_id=pushed.pk,
            starts_at=local(TOMORROW, hour),
            actor=SYSTEM,
            now=NOW,
        )

    messages = told()

    statuses = [message.status for message in messages]
    assert statuses.count(OutboxStatus.SUPERSEDED) == len(messages) - 1
    assert len(crm.changes()) == 1
    assert crm.row("appointments")["arrivalWindowStart"] == "2027-03-02T23:00:00Z"


def test_the_reference_is_ours_under_the_applications_guid(crm: Crm, connection, visit):
    push(connection, visit)

    assert crm.references() == {GUID: {"fieldbook_ref": visit.reference}}


def test_nothing_waits_when_all_is_told(connection, pushed):
    assert waiting() == []
