"""Who has to hear of a change is written down with it, and nothing more."""

import pytest

from appointments.services import reschedule
from core.actors import SYSTEM
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.handlers import sync_to_vendors
from integrations.models import Connection, ConnectionState
from leads.services import LeadForm, create_customer, receive_lead
from tests.factories import NOW, TOMORROW, local, make_location
from tests.integrations.sync.company import (
    link,
    linked_visit,
    make_connection,
    make_crew,
)
from tests.integrations.sync.crm import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew():
    return make_crew(1)


def move(visit) -> None:
    reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 14), actor=SYSTEM, now=NOW
    )
    publish()


def told() -> list[str]:
    """Return the names of the connections that have to hear of something."""
    names = {str(row.pk): row.name for row in Connection.objects.all()}
    rows = OutboxMessage.objects.filter(kind="sync").order_by("pk")
    return [names[row.destination] for row in rows]


def test_the_companys_and_the_branchs_connections_hear_of_a_visit(crew):
    company = make_connection()
    make_connection(name="Here", location=crew[0].location)
    make_connection(name="Elsewhere", location=make_location())
    visit, _ = linked_visit(company, crew[0])

    move(visit)

    assert sorted(told()) == ["Here", "The CRM"]


def test_a_message_says_only_what_it_is_about(crew):
    visit, _ = linked_visit(make_connection(), crew[0])

    move(visit)

    message = OutboxMessage.objects.get(kind="sync")
    assert (message.payload, message.coalesce) == ({}, True)
    assert (message.aggregate_type, message.aggregate_id) == ("appointment", visit.pk)


def test_an_event_that_is_heard_twice_is_told_once(crew):
    visit, _ = linked_visit(make_connection(), crew[0])
    move(visit)

    for event in Event.objects.filter(name="appointment.rescheduled"):
        sync_to_vendors(event)

    assert told() == ["The CRM"]


def test_a_connection_that_is_not_active_has_its_messages_parked(crew):
    connection = make_connection()
    visit, _ = linked_visit(connection, crew[0])
    Connection.objects.update(
        state=ConnectionState.NEEDS_ATTENTION, attention="It refused our key."
    )

    move(visit)

    assert OutboxMessage.objects.get(kind="sync").status == OutboxStatus.PARKED


def test_what_no_connector_is_told_of_is_not_written_down(crew):
    make_connection()
    Connection.objects.update(vendor="google_maps")

    receive_lead(form=LeadForm(name="Ada"), actor=SYSTEM, now=NOW)
    publish()

    assert told() == []


def test_a_lead_that_no_branch_serves_is_the_companys(crew):
    make_connection()
    make_connection(name="Here", location=crew[0].location)

    receive_lead(form=LeadForm(name="Ada"), actor=SYSTEM, now=NOW)
    publish()

    assert told() == ["The CRM"]


def test_a_branchs_connection_hears_of_customers_that_it_knows(crew):
    here = make_connection(name="Here", location=crew[0].location)
    known, _ = (
        create_customer(name=name, contacts=[], actor=SYSTEM, now=NOW)
        for name in ("Ada", "Grace")
    )
    link(here, "customer", known.pk, remote=("customer", "1"))

    publish()

    message = OutboxMessage.objects.get(kind="sync")
    assert message.aggregate_id == known.pk
