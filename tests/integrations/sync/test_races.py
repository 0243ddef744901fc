"""Several workers at once, each with a connection of its own: still one of each."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import deliver
from integrations.models import ExternalLink
from integrations.sandbox.faults import Kind, Rule
from integrations.services.sync import tell
from tests.factories import TOMORROW, local, make_customer
from tests.integrations.sync.company import (
    hear,
    linked_visit,
    make_visit,
    remote_visit,
)
from tests.integrations.sync.crm import Crm, send_again

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(*works) -> None:
    """Run these at the same moment, a thread and a connection for each."""
    start = threading.Barrier(len(works))

    def run(work) -> None:
        start.wait()
        try:
            work()
        finally:
            database.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result()


@pytest.fixture
def _wide(settings) -> None:
    """Let as many messages as there are be on their way to one vendor."""
    settings.OUTBOX_LEASES_PER_DESTINATION = 8


def write(connection, *visits) -> list[OutboxMessage]:
    with transaction.atomic():
        return [
            tell(connection=connection, kind="appointment", object_id=visit.pk)
            for visit in visits
        ]


@pytest.mark.usefixtures("_wide")
def test_two_workers_on_two_visits_of_a_new_customer_create_one_customer(
    crm: Crm, connection, crew
):
    customer = make_customer(phone="+16025550142", name="Ada Byron")
    visits = [
        make_visit(technician, customer=customer, starts_at=local(TOMORROW, hour))
        for technician, hour in zip(crew * 2, (10, 10, 14, 14), strict=True)
    ]
    messages = write(connection, *visits)
    crm.fail(Rule(kind=Kind.SLOW, seconds=0.2, path=crm.path("crm/customers")))

    now = timezone.now()
    at_once(*(lambda m=m: deliver(message_id=m.pk, now=now) for m in messages))
    crm.fail()
    for _ in messages:
        send_again()

    assert len(crm.rows("customers")) == 1
    assert len(crm.rows("jobs")) == len(visits)
    states = {row.status for row in OutboxMessage.objects.filter(kind="sync")}
    assert states == {OutboxStatus.DELIVERED}
    assert ExternalLink.objects.filter(object_type="customer").count() == 1


@pytest.mark.usefixtures("_wide")
def test_waiting_for_anothers_claim_uses_up_no_try(crm: Crm, connection, crew):
    customer = make_customer(phone="+16025550142", name="Ada Byron")
    visits = [make_visit(technician, customer=customer) for technician in crew]
    messages = write(connection, *visits)
    crm.fail(Rule(kind=Kind.SLOW, seconds=0.5, path=crm.path("crm/customers")))

    now = timezone.now()
    at_once(*(lambda m=m: deliver(message_id=m.pk, now=now) for m in messages))

    waited = OutboxMessage.objects.get(status=OutboxStatus.PENDING)
    assert (waited.attempts, waited.last_outcome) == (0, "postponed")


def test_the_same_news_at_once_is_applied_once(crm: Crm, connection, crew):
    visit, _ = linked_visit(connection, crew[0])
    remote = remote_visit(window_starts_at="2027-03-02T21:00:00Z")

    at_once(*(lambda: hear(connection, remote) for _ in range(4)))

    visit.refresh_from_db()
    assert visit.sequence == 1
    assert visit.window_starts_at == local(TOMORROW, 14)


def test_news_that_overtakes_our_own_answer_makes_the_link(crm: Crm, connection, crew):
    """The vendor tells of the job by our reference before we have heard of it."""
    visit = make_visit(crew[0])
    messages = write(connection, visit)
    crm.fail(Rule(kind=Kind.CUT_AFTER, method="POST", path=crm.path("jpm/jobs")))
    deliver(message_id=messages[0].pk, now=timezone.now())
    crm.fail()
    job, appointment = crm.row("jobs"), crm.row("appointments")

    hear(
        connection,
        remote_visit(
            number=appointment["id"],
            reference=visit.reference,
            also={"job": str(job["id"])},
        ),
    )
    send_again()

    assert len(crm.rows("jobs")) == 1
    link = ExternalLink.objects.get(object_id=visit.pk, remote_type="appointment")
    assert link.remote_id == str(appointment["id"])
    assert link.claimed_until is None
