"""A person decides what the policy could not, or decides it anew."""

import pytest
from django.urls import reverse

from accounts.selectors import actor_of_user
from appointments.services import reschedule
from core.actors import SYSTEM, Role
from core.errors import NotFound
from core.models import Event
from integrations.models import ExternalLink, SyncConflict
from integrations.services.sync import StillNotPossible, resolve_conflict
from tests.factories import NOW, TOMORROW, local, make_user
from tests.integrations.sync.company import (
    hear,
    linked_visit,
    make_connection,
    make_crew,
    make_visit,
    remote_visit,
    wins,
)
from tests.integrations.sync.crm import waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew():
    return make_crew(1)


@pytest.fixture
def connection(crew):
    return make_connection()


@pytest.fixture
def known(connection, crew):
    return linked_visit(connection, crew[0])


@pytest.fixture
def blocked(connection, known, crew):
    """Return the conflict about a time of theirs at which the technician is busy."""
    other = make_visit(
        crew[0], starts_at=local(TOMORROW, 14), ends_at=local(TOMORROW, 16)
    )
    hear(connection, remote_visit(window_starts_at="2027-03-02T21:00:00Z"))
    return SyncConflict.objects.get(), other


def resolve(conflict, keep):
    return resolve_conflict(conflict_id=conflict.pk, keep=keep, actor=SYSTEM, now=NOW)


def both_changed(connection, visit, winner="theirs"):
    wins(connection, "appointment", "window_starts_at", winner)
    reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 14), actor=SYSTEM, now=NOW
    )
    hear(connection, remote_visit(window_starts_at="2027-03-02T19:00:00Z"))
    return SyncConflict.objects.get()


def test_keeping_ours_has_them_told(connection, known, blocked):
    conflict, _ = blocked

    resolve(conflict, "ours")

    conflict.refresh_from_db()
    assert (conflict.resolved_at, conflict.resolved_by) == (NOW, "system")
    (message,) = waiting()
    assert message.aggregate_id == known[0].pk
    agreed = ExternalLink.objects.get(pk=known[1].pk).agreed
    assert agreed["window_starts_at"] == "2027-03-02T21:00:00Z"


def test_what_is_still_not_possible_stays_open(known, blocked):
    conflict, _ = blocked

    with pytest.raises(StillNotPossible):
        resolve(conflict, "theirs")

    conflict.refresh_from_db()
    assert conflict.resolved_at is None


def test_theirs_becomes_ours_once_the_way_is_free(known, blocked):
    visit, _ = known
    conflict, other = blocked
    other.assignments.all().delete()

    resolve(conflict, "theirs")

    visit.refresh_from_db()
    assert visit.window_starts_at == local(TOMORROW, 14)


def test_the_loser_of_a_policy_can_be_brought_back(connection, known):
    visit, _ = known
    conflict = both_changed(connection, visit, winner="ours")

    resolve(conflict, "theirs")

    visit.refresh_from_db()
    assert visit.window_starts_at == local(TOMORROW, 12)


def test_deciding_twice_changes_nothing(known, blocked):
    conflict, _ = blocked
    resolve(conflict, "ours")

    resolve(conflict, "ours")

    assert Event.objects.filter(name="sync_conflict.resolved").count() == 1
    assert len(waiting()) == 1


def test_what_is_gone_there_is_created_anew_or_ends_here(connection, known):
    visit, _ = known
    hear(connection, remote_visit(is_gone=True))

    resolve(SyncConflict.objects.get(), "ours")

    assert not ExternalLink.objects.filter(object_id=visit.pk).exists()
    assert len(waiting()) == 1


def test_what_is_gone_there_may_end_here(connection, known):
    visit, _ = known
    hear(connection, remote_visit(is_gone=True))

    resolve(SyncConflict.objects.get(), "theirs")

    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_a_newer_conflict_takes_the_place_of_the_old(connection, known, blocked, crew):
    make_visit(crew[0], starts_at=local(TOMORROW, 16), ends_at=local(TOMORROW, 17))

    hear(connection, remote_visit(window_starts_at="2027-03-02T23:00:00Z"))

    values = SyncConflict.objects.order_by("pk").values_list("theirs", "resolution")
    assert list(values) == [
        ("2027-03-02T21:00:00Z", "A newer one took its place."),
        ("2027-03-02T23:00:00Z", ""),
    ]


def test_nobody_decides_what_he_does_not_see(known, blocked):
    stranger = actor_of_user(make_user(Role.DISPATCHER))
    with pytest.raises(NotFound):
        resolve_conflict(
            conflict_id=blocked[0].pk, keep="ours", actor=stranger, now=NOW
        )


def test_both_values_are_shown_over_http(api_as, known, blocked):
    client = api_as(make_user(Role.ADMIN))

    (row,) = client.get("/api/v1/integrations/conflicts?is_open=true").json()["results"]

    assert (row["ours"], row["theirs"]) == (
        "2027-03-02T17:00:00Z",
        "2027-03-02T21:00:00Z",
    )
    assert row["kind"] == "not_possible"
    assert row["why"]


def test_a_conflict_is_decided_over_http(api_as, known, blocked):
    client = api_as(make_user(Role.ADMIN))
    url = f"/api/v1/integrations/conflicts/{blocked[0].pk}/resolve"

    assert client.post(url, {"keep": "theirs"}, format="json").status_code == 409
    answer = client.post(url, {"keep": "ours"}, format="json")

    assert answer.status_code == 200
    assert answer.json()["resolution"] == "Kept ours."


def test_the_inbox_of_conflicts_shows_both_and_has_two_buttons(client, known, blocked):
    client.force_login(make_user(Role.ADMIN))
    page = client.get(
        reverse("admin:integrations_syncconflict_change", args=[blocked[0].pk])
    )
    listed = client.get(reverse("admin:integrations_syncconflict_changelist"))

    for shown in ("10:00 AM MST", "2:00 PM MST", f"Visit {known[0].reference}"):
        assert shown in page.content.decode()
        assert shown in listed.content.decode()
    assert "Keep ours" in page.content.decode()
    assert "Take theirs" in page.content.decode()


def test_a_conflict_is_found_by_the_reference_of_its_visit(client, known, blocked):
    client.force_login(make_user(Role.ADMIN))
    url = reverse("admin:integrations_syncconflict_changelist")

    def found(text: str) -> list[SyncConflict]:
        return list(client.get(url, {"q": text}).context["cl"].result_list)

    assert found(known[0].reference) == [blocked[0]]
    assert found("V-NOBODYS") == []


@pytest.mark.parametrize("unknown", ["41000055", "x", ""])
def test_a_technician_whom_nobody_knows_is_shown_by_their_id(
    client, crew, known, unknown
):
    conflict = SyncConflict.objects.create(
        connection=known[1].connection,
        kind="not_possible",
        object_type="appointment",
        object_id=known[0].pk,
        field="technicians",
        ours=[str(crew[0].pk)],
        theirs=[unknown],
        why="Nobody has that id.",
    )
    client.force_login(make_user(Role.ADMIN))

    for url in (
        reverse("admin:integrations_syncconflict_change", args=[conflict.pk]),
        reverse(
            "admin:integrations_syncconflict_action", args=[conflict.pk, "keep-ours"]
        ),
    ):
        page = client.get(url)
        assert page.status_code == 200
        assert crew[0].name in page.content.decode()
        assert unknown in page.content.decode()


def test_a_conflict_about_a_crew_names_its_people(client, crew, known):
    SyncConflict.objects.create(
        connection=known[1].connection,
        kind="both_changed",
        object_type="appointment",
        object_id=known[0].pk,
        field="technicians",
        ours=[str(crew[0].pk)],
        theirs=[],
        kept="ours",
    )
    client.force_login(make_user(Role.ADMIN))

    listed = client.get(reverse("admin:integrations_syncconflict_changelist"))
    page = client.get(
        reverse(
            "admin:integrations_syncconflict_change",
            args=[SyncConflict.objects.get().pk],
        )
    )

    assert "1 technician" in listed.content.decode()
    assert crew[0].name in page.content.decode()
    assert "Nobody" in page.content.decode()


def test_what_links_and_conflicts_are_about_has_a_name(api_as, known, blocked):
    client = api_as(make_user(Role.ADMIN))
    links = client.get("/api/v1/integrations/links").json()["results"]
    (conflict,) = client.get("/api/v1/integrations/conflicts").json()["results"]

    visit = known[0]
    assert conflict["subject"] == visit.reference
    assert visit.reference in {link["subject"] for link in links}
