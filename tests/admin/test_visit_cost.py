"""A visit's page costs the same, however much has happened to it."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments import services
from appointments.models import Appointment
from core.actors import SYSTEM
from core.models import DeliveryAttempt, OutboxMessage
from notifications.models import Channel, Notification
from tests.factories import NOW, make_appointment, make_technician


def test_the_page_asks_as_often_for_much_as_for_little(desk, branch) -> None:
    visit = make_appointment(technician=make_technician(location=branch))

    def ask() -> int:
        with CaptureQueriesContext(connection) as asked:
            desk.page("appointments_appointment", visit)
        return len(asked)

    _tell(visit, 0)
    one = ask()
    for n in range(1, 20):
        _tell(visit, n)

    assert ask() == one


def _tell(visit: Appointment, n: int) -> None:
    """Let the visit have one more event, message and delivery."""
    services.update_notes(appointment_id=visit.pk, notes=f"{n}", actor=SYSTEM, now=NOW)
    delivery = OutboxMessage.objects.create(
        kind="webhook",
        destination="x",
        aggregate_type="appointment",
        aggregate_id=visit.pk,
        ordering_key=f"{n}",
    )
    DeliveryAttempt.objects.create(
        message=delivery, number=1, started_at=NOW, duration_ms=5, outcome="delivered"
    )
    Notification.objects.create(
        key=f"{n}",
        appointment=visit,
        customer=visit.customer,
        event_name="appointment.updated",
        kind="confirmation",
        channel=Channel.EMAIL,
        recipient="ann@example.com",
        body="Hello",
        delivery=OutboxMessage.objects.create(
            kind="email",
            destination="x",
            aggregate_type="appointment",
            aggregate_id=visit.pk,
            ordering_key=f"m{n}",
        ),
    )
