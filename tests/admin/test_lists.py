"""Every list answers, and asks the database as often for twenty rows as for one."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appointments.models import Appointment, Cap, TechnicianPreference
from core.actors import SYSTEM
from core.events import emit
from core.ids import uuid7
from core.models import Holiday, IdempotencyRecord, OutboxMessage
from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    SyncConflict,
    WebhookEndpoint,
)
from integrations.services.inbox.storing import Said, store
from notifications.models import Channel, Notification, Reply
from technicians.models import ShiftException
from tests.factories import (
    DAY,
    NOW,
    TODAY,
    local,
    make_appointment,
    make_customer,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_time_off,
    make_user,
    make_zone,
)
from tests.integrations.inbox.callers import make_connection

Maker = Callable[[int], Any]


def _visit(n: int) -> Appointment:
    technician = make_technician(skills=[make_skill()])
    customer = make_customer(phone=f"+1602555{1000 + n}", email=f"c{n}@example.com")
    address = make_property(customer=customer)
    return make_appointment(
        technician=technician, property=address, starts_at=local(TODAY, 10)
    )


def _message(n: int) -> Notification:
    visit = _visit(n)
    outbox = _delivery(n)
    return Notification.objects.create(
        key=f"k{n}",
        appointment=visit,
        customer=visit.customer,
        event_name="appointment.booked",
        kind="confirmation",
        channel=Channel.SMS,
        recipient=f"+1602555{1000 + n}",
        body="See you soon.",
        delivery=outbox,
    )


def _delivery(n: int) -> OutboxMessage:
    event = _event(n)
    return OutboxMessage.objects.create(
        kind="webhook",
        destination=str(uuid7()),
        event=event,
        aggregate_type="appointment",
        aggregate_id=uuid7(),
        ordering_key=f"o{n}",
    )


def _event(n: int):
    return emit(
        "appointment.booked", of=("appointment", uuid7()), actor=SYSTEM, now=NOW
    )


def _crew(n: int) -> Any:
    technician = make_technician(skills=[make_skill()])
    technician.zones.add(make_zone(f"{85100 + n}", location=technician.location))
    return technician


def _callback(_n: int) -> InboundEvent:
    said = Said(body=b"{}", dedupe_key="1")
    event_id, _ = store(connection=make_connection("stripe"), said=said)
    return InboundEvent.objects.get(pk=event_id)


def _connection(n: int) -> Connection:
    return Connection.objects.create(
        vendor="twilio", name=f"{n}", location=make_location()
    )


MAKERS: dict[str, Maker] = {
    "appointments_appointment": _visit,
    "appointments_service": lambda _n: make_service(skills=[make_skill()]),
    "appointments_cap": lambda _n: Cap.objects.create(
        location=make_location(), service=make_service(), zone=make_zone(), most=3
    ),
    "appointments_technicianpreference": lambda _n: TechnicianPreference.objects.create(
        customer=make_customer(), technician=make_technician(), kind="barred"
    ),
    "leads_lead": lambda _n: make_lead(location=make_location(), flags=["no_contact"]),
    "leads_customer": lambda n: make_property(
        customer=make_customer(phone=f"+1602555{1000 + n}")
    ),
    "technicians_technician": _crew,
    "technicians_skill": lambda _n: make_skill(),
    "core_location": lambda _n: make_location(),
    "core_zone": lambda n: make_zone(f"{85100 + n}"),
    "core_holiday": lambda n: Holiday.objects.create(
        location=make_location(), date=TODAY + n * DAY, name="Day"
    ),
    "core_event": _event,
    "core_outboxmessage": _delivery,
    "core_idempotencyrecord": lambda n: IdempotencyRecord.objects.create(
        principal="p", route="r", key=str(n), request_hash="h", expires_at=NOW
    ),
    "accounts_user": lambda _n: make_user(locations=[make_location()]),
    "integrations_connection": _connection,
    "integrations_externallink": lambda n: ExternalLink.objects.create(
        connection=_connection(n),
        object_type="appointment",
        object_id=uuid7(),
        remote_type="job",
        remote_id=f"{n}",
    ),
    "integrations_syncconflict": lambda n: SyncConflict.objects.create(
        connection=_connection(n),
        kind="both_changed",
        object_type="appointment",
        object_id=uuid7(),
        field="notes",
    ),
    "notifications_reply": lambda n: Reply.objects.create(
        provider_message_id=f"{n}",
        sender="+16025550142",
        customer=make_customer(phone=f"+1602555{1000 + n}"),
        meaning="other",
        received_at=NOW,
    ),
    "integrations_webhookendpoint": lambda n: WebhookEndpoint.objects.create(
        url=f"https://example.com/{n}", secret="s", location=make_location()
    ),
    "integrations_inboundevent": _callback,
    "notifications_notification": _message,
}


@pytest.mark.parametrize("model", MAKERS)
def test_a_list_asks_as_often_for_twenty_rows_as_for_one(model, sign_in) -> None:
    browser = sign_in()
    address = reverse(f"admin:{model}_changelist")

    def ask() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = browser.get(address)
        assert answer.status_code == 200
        return len(asked)

    MAKERS[model](0)
    one = ask()
    for n in range(1, 20):
        MAKERS[model](n)
    twenty = ask()

    assert twenty == one


@pytest.mark.parametrize("model", MAKERS)
def test_a_list_can_be_searched(model, sign_in) -> None:
    MAKERS[model](0)
    address = reverse(f"admin:{model}_changelist")

    for term in ("85004", "Ann", "\x00", "%", "no-such-thing", str(uuid7())):
        assert sign_in().get(address, {"q": term}).status_code == 200


@pytest.mark.parametrize("when", ["today", "tomorrow", "week", "past", "all", "?"])
@pytest.mark.parametrize("needs", ["technician", "late"])
def test_visits_can_be_filtered(when, needs, sign_in) -> None:
    visit = _visit(0)
    technician = visit.assignments.get().technician_id
    asked = {
        "when": when,
        "needs": needs,
        "status": "scheduled",
        "branch": visit.location.code,
        "technician": str(technician),
        "service": visit.service.code,
    }

    answer = sign_in().get(reverse("admin:appointments_appointment_changelist"), asked)

    assert answer.status_code == 200


def test_the_first_page_asks_as_often_for_a_full_day_as_for_an_empty_one(
    sign_in,
) -> None:
    branch = make_location()
    browser = sign_in()

    def ask() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(reverse("admin:index")).status_code == 200
        return len(asked)

    _busy_day(branch)
    one = ask()
    for _ in range(10):
        _busy_day(branch)
    _busy_day(make_location())

    assert ask() == one


def _busy_day(branch) -> None:
    technician = make_technician(location=branch)
    make_appointment(technician=technician, starts_at=local(TODAY, 10))
    make_appointment(location=branch, starts_at=local(TODAY, 6))
    make_lead(location=branch)
    make_time_off(
        technician=technician, starts_at=local(TODAY, 14), ends_at=local(TODAY, 15)
    )
    ShiftException.objects.create(
        technician=make_technician(location=branch),
        date=TODAY,
        location=branch,
        starts=time(9),
        ends=time(12),
    )
