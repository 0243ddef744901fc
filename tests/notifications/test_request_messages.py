"""What customers hear of a request: that it came, and what became of it."""

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.services import BookingRequest
from core.actors import SYSTEM, Actor, Role
from notifications.models import Channel, Notification, State
from notifications.rules.relevance import Kind
from tests.factories import NOW, TOMORROW, local
from tests.outside import drain

pytestmark = pytest.mark.django_db

MACHINE = Actor(role=Role.INTEGRATION, label="partner", location_ids=None)


def work() -> None:
    drain(now=NOW)


def told() -> list[tuple[str, str]]:
    """Return what was written by e-mail, and what became of it."""
    found = Notification.objects.filter(channel=Channel.EMAIL).order_by("created_at")
    return [(message.kind, message.state) for message in found]


def texts(kind: Kind) -> str:
    found = Notification.objects.filter(kind=kind).order_by("channel")
    return "\n".join(f"{message.subject}\n{message.body}" for message in found)


@pytest.fixture
def asked(company) -> Appointment:
    company.service.requires_approval = True
    company.service.save()
    request = BookingRequest(
        service=company.service,
        property=company.property,
        starts_at=local(TOMORROW, 8),
    )
    return services.book(request=request, actor=MACHINE, now=NOW)


def answer(visit: Appointment, *, approve: bool) -> None:
    if approve:
        services.approve(appointment_id=visit.pk, actor=SYSTEM, now=NOW)
    else:
        reason = "Staff shortage, do not say so"
        services.decline(appointment_id=visit.pk, reason=reason, actor=SYSTEM, now=NOW)


def test_a_request_is_acknowledged_and_not_confirmed(asked) -> None:
    work()

    assert told() == [(Kind.REQUEST, State.DELIVERED)]
    assert "It is not booked yet" in texts(Kind.REQUEST)
    assert "Tuesday, March 2, between 8:00 and 10:00 AM MST" in texts(Kind.REQUEST)
    assert asked.reference in texts(Kind.REQUEST)


def test_an_approved_request_is_confirmed(asked) -> None:
    work()
    answer(asked, approve=True)

    work()

    assert told() == [
        (Kind.REQUEST, State.DELIVERED),
        (Kind.CONFIRMATION, State.DELIVERED),
    ]


def test_a_declined_request_is_told_without_the_offices_reason(asked) -> None:
    work()
    answer(asked, approve=False)

    work()

    assert told()[-1] == (Kind.REFUSAL, State.DELIVERED)
    assert "we cannot" in texts(Kind.REFUSAL)
    assert "Staff shortage" not in texts(Kind.REFUSAL)


@pytest.mark.parametrize("approve", [True, False])
def test_an_answer_that_is_faster_makes_the_receipt_needless(asked, approve) -> None:
    answer(asked, approve=approve)

    work()

    kinds = [Kind.CONFIRMATION if approve else Kind.REFUSAL]
    assert told()[0] == (Kind.REQUEST, State.SUPPRESSED)
    assert told()[1:] == [(kind, State.DELIVERED) for kind in kinds]
