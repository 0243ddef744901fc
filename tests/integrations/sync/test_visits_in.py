"""What a vendor changes on a visit becomes ours, as far as our rules allow it."""

from datetime import UTC, datetime

import pytest

from appointments.models import Appointment
from appointments.rules.states import Status
from appointments.services import cancel, change_status, reschedule
from core.actors import SYSTEM
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import ExternalLink, SyncConflict
from tests.factories import DAY, HOUR, NOW, TOMORROW, local
from tests.integrations.sync.company import (
    IGNORED,
    PROCESSED,
    SOON,
    STALE,
    hear,
    linked_visit,
    make_connection,
    make_crew,
    make_visit,
    moved,
    remote_visit,
    their_id,
    wins,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew():
    return make_crew(2)


@pytest.fixture
def connection(crew):
    return make_connection()


@pytest.fixture
def known(connection, crew):
    """Return a visit at ten that both sides know, with the first of the crew."""
    return linked_visit(connection, crew[0])


def fresh(row):
    row.refresh_from_db()
    return row


def conflict_of(connection, field):
    return SyncConflict.objects.get(
        connection=connection, field=field, resolved_at=None
    )


def test_their_new_time_becomes_ours_and_both_agree(connection, known):
    visit, link = known

    taken = hear(connection, remote_visit(window_starts_at=moved(visit, hours=2)))

    assert taken.state == PROCESSED
    assert fresh(visit).window_starts_at == local(TOMORROW, 12)
    assert fresh(link).agreed["window_starts_at"] == moved(visit, hours=0)
    event = Event.objects.get(name="appointment.rescheduled")
    assert (event.actor_role, event.actor_label) == ("integration", "The CRM")


def test_the_same_words_again_are_ignored(connection, known):
    visit, _ = known
    remote = remote_visit(window_starts_at=moved(visit, hours=2))
    hear(connection, remote)

    again = hear(connection, remote)

    assert again.state == IGNORED
    assert fresh(visit).sequence == 1


def test_an_older_version_changes_nothing(connection, known):
    visit, link = known
    hear(connection, remote_visit(version="5", window_starts_at=moved(visit, hours=2)))
    before = fresh(visit).window_starts_at

    taken = hear(
        connection, remote_visit(version="4", window_starts_at=moved(visit, hours=4))
    )

    assert taken.state == STALE
    assert fresh(visit).window_starts_at == before
    assert fresh(link).remote_version == "5"


def test_a_change_that_forgot_its_version_is_still_taken_in(connection, known):
    visit, link = known
    ExternalLink.objects.filter(pk=link.pk).update(remote_version="5")

    taken = hear(
        connection, remote_visit(version="5", window_starts_at=moved(visit, hours=2))
    )

    assert taken.state == PROCESSED
    assert fresh(visit).window_starts_at == local(TOMORROW, 12)


def test_a_time_that_would_double_book_is_stored_nowhere(connection, known, crew):
    visit, link = known
    for technician in crew:
        make_visit(
            technician, starts_at=local(TOMORROW, 14), ends_at=local(TOMORROW, 16)
        )

    taken = hear(
        connection,
        remote_visit(
            window_starts_at="2027-03-02T21:00:00Z",
            technicians=[their_id(connection, crew[0])],
        ),
    )

    assert taken.state == PROCESSED
    assert "needs attention" in taken.note
    assert fresh(visit).window_starts_at == local(TOMORROW, 10)
    found = conflict_of(connection, "window_starts_at")
    assert found.kind == SyncConflict.Kind.NOT_POSSIBLE
    assert (found.ours, found.theirs) == (
        "2027-03-02T17:00:00Z",
        "2027-03-02T21:00:00Z",
    )
    assert found.why
    assert fresh(link).agreed["window_starts_at"] == "2027-03-02T17:00:00Z"


def test_what_was_impossible_and_was_put_right_there_closes_itself(connection, known):
    visit, _ = known
    hear(connection, remote_visit(window_starts_at="2027-03-02T05:00:00Z"))
    found = conflict_of(connection, "window_starts_at")

    hear(connection, remote_visit(window_starts_at=moved(visit, hours=0)))

    assert fresh(found).resolved_at == NOW
    assert found.resolved_by == "sync"


@pytest.mark.parametrize(
    ("winner", "hour", "lost"), [("ours", 14, "ours"), ("theirs", 12, "theirs")]
)
def test_where_both_moved_it_the_policy_decides(connection, known, winner, hour, lost):
    visit, _ = known
    wins(connection, "appointment", "window_starts_at", winner)
    reschedule(
        appointment_id=visit.pk,
        starts_at=local(TOMORROW, 14),
        actor=SYSTEM,
        now=NOW,
    )

    hear(connection, remote_visit(window_starts_at="2027-03-02T19:00:00Z"))

    assert fresh(visit).window_starts_at == local(TOMORROW, hour)
    found = conflict_of(connection, "window_starts_at")
    assert (found.kind, found.kept) == (SyncConflict.Kind.BOTH_CHANGED, lost)
    assert (found.agreed, found.ours, found.theirs) == (
        "2027-03-02T17:00:00Z",
        "2027-03-02T21:00:00Z",
        "2027-03-02T19:00:00Z",
    )


def test_where_ours_stands_they_are_told(connection, known):
    visit, link = known
    wins(connection, "appointment", "window_starts_at", "ours")
    reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 14), actor=SYSTEM, now=NOW
    )

    hear(connection, remote_visit(window_starts_at="2027-03-02T19:00:00Z"))

    waiting = OutboxMessage.objects.get(kind="sync", destination=str(connection.pk))
    assert waiting.status == OutboxStatus.PENDING
    assert fresh(link).agreed["window_starts_at"] == "2027-03-02T19:00:00Z"


@pytest.mark.parametrize(("theirs_at", "hour"), [(NOW - DAY, 14), (SOON + DAY, 12)])
def test_the_newest_may_win(connection, known, theirs_at, hour):
    visit, _ = known
    reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 14), actor=SYSTEM, now=NOW
    )
    Appointment.objects.filter(pk=visit.pk).update(updated_at=NOW)

    hear(
        connection,
        remote_visit(window_starts_at="2027-03-02T19:00:00Z", changed_at=theirs_at),
    )

    assert fresh(visit).window_starts_at == local(TOMORROW, hour)


def test_another_technician_of_theirs_takes_the_visit(connection, known, crew):
    visit, link = known

    hear(connection, remote_visit(technicians=[their_id(connection, crew[1])]))

    (row,) = visit.assignments.on_the_visit()
    assert row.technician_id == crew[1].pk
    assert fresh(link).agreed["technicians"] == [str(crew[1].pk)]


def test_a_second_technician_of_theirs_comes_along_with_the_first(
    connection, known, crew
):
    visit, _ = known
    both = sorted(their_id(connection, each) for each in crew)

    hear(connection, remote_visit(technicians=both))

    on_it = visit.assignments.on_the_visit()
    assert {row.technician_id for row in on_it} == {each.pk for each in crew}
    assert on_it.get(is_lead=True).technician_id == crew[0].pk


def test_work_that_takes_longer_there_takes_longer_here(connection, known):
    visit, _ = known
    hear(connection, remote_visit(work_minutes=60))

    hear(connection, remote_visit(work_minutes=180))

    (row,) = visit.assignments.all()
    assert row.occupied_until - row.occupied_from == 3 * HOUR
    assert fresh(visit).work_minutes == 180


def test_longer_work_that_meets_another_visit_is_a_conflict(connection, known, crew):
    visit, _ = known
    hear(connection, remote_visit(work_minutes=60))
    make_visit(crew[0], starts_at=local(TOMORROW, 12), ends_at=local(TOMORROW, 13))

    hear(connection, remote_visit(work_minutes=180))

    assert fresh(visit).work_minutes is None
    assert conflict_of(connection, "work_minutes").theirs == 180


def test_nobody_of_theirs_takes_everybody_off(connection, known):
    visit, _ = known

    hear(connection, remote_visit(technicians=[]))

    assert not visit.assignments.on_the_visit().exists()


def test_a_technician_whom_nobody_knows_needs_attention(connection, known, crew):
    visit, _ = known

    hear(connection, remote_visit(technicians=["999"]))

    assert conflict_of(connection, "technicians").theirs == ["999"]
    assert visit.assignments.get().technician_id == crew[0].pk


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("dispatched", Status.DISPATCHED),
        ("on_site", Status.ON_SITE),
        ("completed", Status.COMPLETED),
        ("cancelled", Status.CANCELLED),
    ],
)
def test_their_progress_becomes_ours(connection, known, theirs, ours):
    visit, _ = known

    assert hear(connection, remote_visit(status=theirs)).state == PROCESSED
    assert fresh(visit).status == ours


def test_a_vendor_that_lags_behind_does_not_move_a_visit_back(connection, known):
    visit, _ = known
    for step in (Status.EN_ROUTE, Status.ON_SITE):
        change_status(appointment_id=visit.pk, to=step, actor=SYSTEM, now=NOW)

    taken = hear(connection, remote_visit(status="dispatched"))

    assert taken.state == IGNORED
    assert fresh(visit).status == Status.ON_SITE
    assert not SyncConflict.objects.exists()


@pytest.mark.parametrize("theirs", ["scheduled", "dispatched", "on_site"])
def test_what_has_ended_stays_ended(connection, known, theirs):
    visit, _ = known
    cancel(appointment_id=visit.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    taken = hear(
        connection,
        remote_visit(status=theirs, window_starts_at=moved(visit, hours=2)),
    )

    assert taken.state == IGNORED
    assert fresh(visit).status == Status.CANCELLED


def test_a_visit_that_they_opened_again_needs_attention(connection, known):
    visit, _ = known
    hear(connection, remote_visit(status="cancelled"))

    hear(connection, remote_visit(status="scheduled"))

    assert fresh(visit).status == Status.CANCELLED
    assert conflict_of(connection, "status").theirs == "scheduled"


def test_a_visit_that_ended_differently_there_needs_attention(connection, known):
    visit, _ = known
    cancel(appointment_id=visit.pk, reason="Moved away", actor=SYSTEM, now=NOW)

    hear(connection, remote_visit(status="completed"))

    assert fresh(visit).status == Status.CANCELLED
    assert conflict_of(connection, "status").theirs == "completed"


def test_a_visit_that_is_gone_there_is_left_to_a_person(connection, known):
    visit, link = known

    hear(connection, remote_visit(is_gone=True))
    again = hear(connection, remote_visit(is_gone=True))

    assert fresh(link).is_gone
    assert again.state == IGNORED
    assert conflict_of(connection, "existence").why
    assert fresh(visit).status == Status.SCHEDULED


def test_what_they_call_by_our_reference_is_linked(connection, crew):
    visit = make_visit(crew[0])

    hear(
        connection,
        remote_visit(
            reference=visit.reference, status="scheduled", also={"job": "800"}
        ),
    )

    rows = ExternalLink.objects.filter(object_id=visit.pk).order_by("pk")
    assert [(row.remote_type, row.remote_id) for row in rows] == [
        ("appointment", "900"),
        ("job", "800"),
    ]


def test_what_is_none_of_ours_is_ignored(connection):
    assert hear(connection, remote_visit(status="scheduled")).state == IGNORED


def test_what_they_promised_stands_even_off_our_grid(connection, known):
    """Somebody there has told the customer: that we offer other hours helps nobody."""
    visit, _ = known

    hear(connection, remote_visit(window_starts_at="2027-03-02T17:17:00Z"))

    promised = datetime(2027, 3, 2, 17, 17, tzinfo=UTC)
    assert fresh(visit).window_starts_at == promised
    assert not SyncConflict.objects.exists()


def test_their_change_is_not_told_back_to_them(connection, known):
    """Whatever is written down for them, there is nothing new in it for them."""
    visit, link = known
    hear(
        connection,
        remote_visit(
            window_starts_at="2027-03-02T19:00:00Z",
            window_ends_at="2027-03-02T21:00:00Z",
            starts_at="2027-03-02T19:00:00Z",
            ends_at="2027-03-02T20:00:00Z",
        ),
    )

    agreed = fresh(link).agreed
    ours = {
        name: getattr(fresh(visit), name).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name in ("window_starts_at", "window_ends_at", "starts_at", "ends_at")
    }
    assert {name: agreed[name] for name in ours} == ours
    assert not OutboxMessage.objects.filter(kind="sync").exists()


def test_where_only_the_time_is_another_a_free_technician_comes(connection, crew):
    visit, _ = linked_visit(connection, crew[0])
    make_visit(crew[0], starts_at=local(TOMORROW, 14), ends_at=local(TOMORROW, 17))

    hear(connection, remote_visit(window_starts_at="2027-03-02T21:00:00Z"))

    assert fresh(visit).window_starts_at == local(TOMORROW, 14)
    assert visit.assignments.get().technician_id == crew[1].pk
    assert not SyncConflict.objects.exists()


def test_whom_they_sent_and_is_busy_nobody_stands_in_for(connection, crew):
    visit, _ = linked_visit(connection, crew[1])
    make_visit(crew[0], starts_at=local(TOMORROW, 14))

    hear(
        connection,
        remote_visit(
            window_starts_at="2027-03-02T21:00:00Z",
            technicians=[their_id(connection, crew[0])],
        ),
    )

    assert fresh(visit).window_starts_at == local(TOMORROW, 10)
    assert conflict_of(connection, "technicians")
