"""Housecall Pro through the whole house: outbox, engine, connector, a fake vendor."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import Appointment
from appointments.rules.states import Status
from core.actors import SYSTEM
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    InboundState,
    PollCursor,
)
from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.housecallpro import (
    APPLICATION_KEY,
    COMPANY_KEY,
    WEBHOOK_SECRET,
    HousecallPro,
)
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.world import World
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import poll_connection, tell
from tests.factories import HOUR, NOW
from tests.integrations.connectors.calls import Recorder
from tests.integrations.inbox.callers import make_connection
from tests.integrations.sync.company import make_crew, make_visit
from tests.integrations.sync.crm import publish, send_again, send_all, told

pytestmark = pytest.mark.django_db

KEYS = {"company": COMPANY_KEY, "application": APPLICATION_KEY}


@pytest.fixture
def world(settings) -> Iterator[Running]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    alone = World(pace=0.01, vendors={"housecallpro": HousecallPro()})
    with running_world(world=alone) as world:
        act(world, "add_employee", first_name="Tom", last_name="T.", email=TOM)
        yield world


TOM = "tech0@shop.test"


@pytest.fixture(params=["company", "application"])
def connection(request, world, db) -> Connection:
    return make_connection(
        "housecallpro",
        settings={
            "hosts": {"api": world.at("housecallpro")},
            "key_type": request.param,
            "schedule_days": "200",  # tests live in the future
        },
        credentials=f'{{"api_key": "{KEYS[request.param]}"}}',
        inbound_secret=WEBHOOK_SECRET,
        calls_per_second=1000,
    )


@pytest.fixture
def visit(connection) -> Appointment:
    [technician] = make_crew()
    return make_visit(technician)


def act(world: Running, name: str, /, **arguments: Any) -> None:
    world.world.act("housecallpro", name, arguments)


def fault(world: Running, **given: Any) -> None:
    world.world.places["housecallpro"].faults.put(Rule(count=1, **given))


def push(connection: Connection, visit: Appointment) -> OutboxMessage:
    """Tell them of the visit as it is."""
    tell(connection=connection, kind="appointment", object_id=visit.pk)
    [message] = send_all()
    return message


def jobs(connection: Connection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Recorder(connection)("GET", "/jobs").json["jobs"]
    return found


def job_id(visit: Appointment) -> str:
    return ExternalLink.objects.get(object_id=visit.pk, remote_type="job").remote_id


def test_a_visit_becomes_a_job_of_its_customer_at_its_address(connection, visit):
    message = push(connection, visit)

    assert message.status == OutboxStatus.DELIVERED, message.last_error
    [job] = jobs(connection)
    assert job["id"] == job_id(visit)
    assert job["schedule"]["scheduled_start"] is not None
    assert len(job["assigned_employees"]) == 1
    types = set(ExternalLink.objects.values_list("object_type", flat=True))
    assert types == {"appointment", "customer", "property", "technician"}


@pytest.mark.parametrize("kind", [Kind.CUT_AFTER, Kind.TRUNCATED, Kind.GARBAGE])
@pytest.mark.parametrize("path", ["/jobs", "/customers"])
def test_an_answer_that_got_lost_makes_no_second_one(
    world, connection, visit, kind, path
) -> None:
    fault(world, kind=kind, method="POST", path=path)

    message = push(connection, visit)
    assert message.status == OutboxStatus.PENDING
    ExternalLink.objects.filter(remote_id="").update(
        claimed_until=timezone.now() - HOUR
    )
    [message] = send_again()

    assert message.status == OutboxStatus.DELIVERED, message.last_error
    assert len(jobs(connection)) == 1
    customers = Recorder(connection)("GET", "/customers").json["customers"]
    assert len(customers) == 1
    assert len(customers[0]["addresses"]) == 1


def test_a_moved_visit_moves_there(connection, visit) -> None:
    push(connection, visit)

    services.reschedule(
        appointment_id=visit.pk,
        starts_at=visit.window_starts_at + 2 * HOUR,
        actor=SYSTEM,
        now=NOW,
    )
    [message] = told()

    visit.refresh_from_db()
    assert message.status == OutboxStatus.DELIVERED, message.last_error
    [job] = jobs(connection)
    expected = f"{visit.window_starts_at:%Y-%m-%dT%H:%M}"
    assert job["schedule"]["scheduled_start"].startswith(expected)


def test_a_cancelled_visit_leaves_their_calendar(connection, visit) -> None:
    push(connection, visit)

    services.cancel(
        appointment_id=visit.pk, reason="Sold the house", actor=SYSTEM, now=NOW
    )
    [message] = told()

    assert message.status == OutboxStatus.DELIVERED, message.last_error
    job = Recorder(connection)("GET", f"/jobs/{job_id(visit)}").json
    assert not job["schedule"].get("scheduled_start")
    assert "Sold the house" in str(job["notes"])


def poll(connection: Connection) -> None:
    PollCursor.objects.update(polled_at=None)
    poll_connection(connection_id=connection.pk, now=NOW, budget=timedelta(seconds=20))
    for event in InboundEvent.objects.filter(state=InboundState.RECEIVED):
        process_inbound(event_id=event.pk, now=NOW)


def test_what_a_person_does_there_comes_by_polling(world, connection, visit) -> None:
    push(connection, visit)
    poll(connection)

    act(world, "start", job=job_id(visit))
    poll(connection)

    visit.refresh_from_db()
    assert visit.status == Status.ON_SITE


def test_what_forgot_its_time_of_change_is_found_in_the_calendar(
    world, connection, visit
) -> None:
    push(connection, visit)
    poll(connection)
    fault(world, kind=Kind.FORGOTTEN_UPDATED_AT)

    start = visit.window_starts_at + 2 * HOUR
    act(
        world,
        "move",
        job=job_id(visit),
        start=f"{start:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{start + HOUR:%Y-%m-%dT%H:%M:%SZ}",
    )
    poll(connection)

    visit.refresh_from_db()
    assert visit.window_starts_at == start


def test_our_own_change_comes_back_as_nothing_new(connection, visit) -> None:
    push(connection, visit)
    before = visit.version

    poll(connection)
    publish()

    visit.refresh_from_db()
    assert visit.version == before
    assert send_all() == []
    assert len(jobs(connection)) == 1
