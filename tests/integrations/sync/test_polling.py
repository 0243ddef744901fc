"""What no webhook told is found by asking, and by looking."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments.rules.states import Status
from appointments.services import change_status
from core.actors import SYSTEM
from integrations.models import (
    Connection,
    ConnectionState,
    ExternalLink,
    InboundEvent,
    InboundState,
    PollCursor,
    Source,
    SyncConflict,
)
from integrations.sandbox.faults import Kind, Rule
from integrations.services import inbox
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import (
    poll_connection,
    poll_connections,
    reconcile_connection,
    reconcile_connections,
    remotes_in,
    tell,
)
from tests.factories import DAY, NOW, TOMORROW, local, make_customer
from tests.integrations.sync.company import make_visit
from tests.integrations.sync.crm import Crm, send_all, told

pytestmark = pytest.mark.django_db

BUDGET = timedelta(seconds=15)


@pytest.fixture
def visit(crm: Crm, connection, crew):
    """Return a visit at ten that the CRM knows and whose feeds have been read."""
    customer = make_customer(phone="+16025550142", name="Ada Byron")
    made = make_visit(crew[0], customer=customer)
    tell(connection=connection, kind="appointment", object_id=made.pk)
    send_all()
    poll(connection)
    take_in_all()
    PollCursor.objects.update(found=0)
    crm.forget_calls()
    return made


def poll(connection: Connection) -> int:
    """Ask for all that is new, whether or not it is time."""
    PollCursor.objects.update(polled_at=None)
    return poll_connection(connection_id=connection.pk, now=NOW, budget=BUDGET)


def look(connection: Connection) -> int:
    PollCursor.objects.update(polled_at=None)
    return reconcile_connection(connection_id=connection.pk, now=NOW)


def take_in_all() -> list[InboundEvent]:
    """Have what waits in the inbox taken in; return it as it is afterwards."""
    found = list(
        InboundEvent.objects.filter(state=InboundState.RECEIVED).order_by("pk")
    )
    for event in found:
        process_inbound(event_id=event.pk, now=NOW)
        event.refresh_from_db()
    return found


def appointment(crm: Crm) -> int:
    found: int = crm.row("appointments")["id"]
    return found


def move(crm: Crm, hour: int) -> None:
    """Let a dispatcher there move the only appointment, window and all."""
    opens, closes = local(TOMORROW, hour), local(TOMORROW, hour + 2)
    crm.act(
        "move",
        appointment=appointment(crm),
        start=opens.isoformat(),
        end=(opens + timedelta(hours=1)).isoformat(),
        arrivalWindowStart=opens.isoformat(),
        arrivalWindowEnd=closes.isoformat(),
    )


def test_a_move_that_no_webhook_told_is_found(crm: Crm, connection, visit):
    move(crm, 14)

    assert poll(connection) == 1
    (event,) = take_in_all()

    visit.refresh_from_db()
    assert (event.source, event.state) == (Source.POLL, InboundState.PROCESSED)
    assert visit.window_starts_at == local(TOMORROW, 14)
    assert PollCursor.objects.get(feed="appointments").found == 1


def test_what_was_taken_in_is_not_told_back(crm: Crm, connection, visit):
    move(crm, 14)
    poll(connection)
    take_in_all()
    crm.forget_calls()

    told()

    assert crm.changes() == []


def test_what_we_told_them_is_no_news(crm: Crm, connection, visit):
    assert poll(connection) == 0
    assert not InboundEvent.objects.filter(state=InboundState.RECEIVED).exists()


def test_there_and_back_and_there_again_is_seen_each_time(crm: Crm, connection, visit):
    for hour in (14, 10, 14):
        move(crm, hour)
        poll(connection)
        take_in_all()
        visit.refresh_from_db()
        assert visit.window_starts_at == local(TOMORROW, hour)


def test_a_change_that_moved_no_time_is_found_by_looking(crm: Crm, connection, visit):
    crm.fail(Rule(kind=Kind.FORGOTTEN_UPDATED_AT))
    move(crm, 14)

    assert look(connection) == 1
    take_in_all()

    visit.refresh_from_db()
    assert visit.window_starts_at == local(TOMORROW, 14)


def test_looking_goes_round_and_finds_nothing_where_all_agrees(
    crm: Crm, connection, visit
):
    assert [look(connection) for _ in range(3)] == [0, 0, 0]
    assert PollCursor.objects.get(feed="reconcile").cursor == ""


def test_a_phone_that_somebody_corrected_there_is_found(crm: Crm, connection, visit):
    crm.act(
        "edit_customer", customer=crm.row("customers")["id"], phone="(602) 555-0177"
    )

    look(connection)
    take_in_all()

    values = visit.customer.contact_methods.values_list("value", flat=True)
    assert list(values) == ["+16025550177"]


def test_another_technician_of_theirs_is_found(crm: Crm, connection, visit, crew):
    ids = dict(
        ExternalLink.objects.filter(object_type="technician").values_list(
            "object_id", "remote_id"
        )
    )
    crm.act("unassign", appointment=appointment(crm), technician=int(ids[crew[0].pk]))
    crm.act("assign", appointment=appointment(crm), technician=int(ids[crew[1].pk]))

    poll(connection)
    take_in_all()

    assert visit.assignments.on_the_visit().get().technician_id == crew[1].pk


def test_a_job_that_was_cancelled_there_cancels_the_visit(crm: Crm, connection, visit):
    crm.act("cancel", job=crm.row("jobs")["id"])

    poll(connection)
    take_in_all()

    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_a_visit_that_is_done_there_is_done_here(crm: Crm, connection, visit):
    crm.act("work", appointment=appointment(crm))
    crm.act("finish", appointment=appointment(crm))

    poll(connection)
    take_in_all()

    visit.refresh_from_db()
    assert visit.status == "completed"


def test_a_time_that_would_double_book_needs_attention_and_is_no_news_again(
    crm: Crm, connection, visit, crew
):
    for technician in crew:
        make_visit(
            technician, starts_at=local(TOMORROW, 14), ends_at=local(TOMORROW, 16)
        )
    move(crm, 14)
    poll(connection)
    take_in_all()

    assert look(connection) == 0
    visit.refresh_from_db()
    assert visit.window_starts_at == local(TOMORROW, 10)
    (conflict,) = SyncConflict.objects.filter(resolved_at=None)
    assert conflict.kind == SyncConflict.Kind.NOT_POSSIBLE


def test_a_visit_that_is_gone_there_asks_a_person_once(crm: Crm, connection, visit):
    crm.lose_appointment()

    look(connection)
    take_in_all()
    look(connection)

    assert SyncConflict.objects.get().field == "existence"
    assert not InboundEvent.objects.filter(state=InboundState.RECEIVED).exists()


def test_a_vendor_that_lags_behind_is_no_news_again_and_again(
    crm: Crm, connection, visit
):
    for step in (Status.EN_ROUTE, Status.ON_SITE):
        change_status(appointment_id=visit.pk, to=step, actor=SYSTEM, now=NOW)
    crm.act("dispatch", appointment=appointment(crm))

    assert look(connection) == 1
    (event,) = take_in_all()

    assert event.state == InboundState.IGNORED
    assert look(connection) == 0


def test_strangers_of_theirs_do_not_fill_the_inbox(crm: Crm, connection, visit):
    crm.act("add_technician", name="Zoe", email="zoe@shop.test")

    assert poll(connection) == 0


def test_two_beats_read_a_feed_once(crm: Crm, connection, visit):
    poll(connection)
    crm.forget_calls()

    poll_connection(connection_id=connection.pk, now=NOW, budget=BUDGET)

    assert crm.calls() == []


def test_a_reader_that_died_is_replaced(crm: Crm, connection, visit):
    move(crm, 14)
    past = timezone.now() - DAY
    PollCursor.objects.update(
        polled_at=None, lease_token=connection.pk, lease_until=past
    )

    assert poll_connection(connection_id=connection.pk, now=NOW, budget=BUDGET) == 1


def test_what_is_being_read_is_left_alone(crm: Crm, connection, visit):
    later = timezone.now() + DAY
    PollCursor.objects.update(
        polled_at=None, lease_token=connection.pk, lease_until=later
    )
    crm.forget_calls()

    poll_connection(connection_id=connection.pk, now=NOW, budget=BUDGET)

    assert crm.calls() == []


def test_a_vendor_that_is_away_is_asked_again_from_the_same_place(
    crm: Crm, connection, visit
):
    move(crm, 14)
    crm.fail(Rule(kind=Kind.DOWN))
    assert poll(connection) == 0

    crm.fail()
    assert poll(connection) == 1


def test_a_poll_rings_for_each_active_connection(connection, hints):
    paused = Connection.objects.create(
        vendor="servicetitan", name="Paused", state=ConnectionState.PAUSED
    )

    assert poll_connections() == reconcile_connections() == 1
    assert poll_connection(connection_id=paused.pk, now=NOW, budget=BUDGET) == 0


def test_technicians_are_linked_by_e_mail(crm: Crm, connection, crew):
    poll(connection)
    take_in_all()

    linked = ExternalLink.objects.filter(object_type="technician")
    assert set(linked.values_list("object_id", flat=True)) == {
        technician.pk for technician in crew
    }


def test_a_body_of_ours_is_read_back_as_it_was(crm: Crm, connection, visit):
    move(crm, 14)
    poll(connection)

    (event,) = InboundEvent.objects.filter(state=InboundState.RECEIVED)
    (remote,) = remotes_in(inbox.body_of(event))
    assert remote.remote_id == str(appointment(crm))
    assert remote.changed_at is not None
