"""Messages over HTTP."""

from datetime import timedelta

import pytest

from core.actors import Role
from notifications.models import Notification
from tests.factories import NOW, make_appointment, make_location, make_user
from tests.notifications.conftest import book, cancel
from tests.outside import drain

URL = "/api/v1/notifications"
pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(company, api_as):
    return api_as(make_user(Role.VIEWER, locations=[company.branch]))


def results(response) -> list[dict]:
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def test_a_message_shows_how_far_it_has_come(company, viewer) -> None:
    visit = book(company)
    drain(now=NOW)

    sms, email = results(viewer.get(URL))

    assert (email["channel"], sms["channel"]) == ("email", "sms")
    assert email["appointment"] == str(visit.pk)
    assert email["event_name"] == "appointment.booked"
    assert email["kind"] == "confirmation"
    assert email["state"] == "delivered"
    assert email["delivery"]["status"] == "delivered"
    assert email["delivery"]["attempts"] == 1
    assert email["recipient"] == "ada@example.com"
    assert viewer.get(f"{URL}/{email['id']}").json() == email


def test_lists_can_be_narrowed(company, viewer) -> None:
    visit, other = book(company), book(company, hour=10)
    cancel(other)
    drain(now=NOW)
    written = Notification.objects.earliest("created_at").created_at

    def count(**query) -> int:
        return len(results(viewer.get(URL, query)))

    assert count() == 6
    assert count(appointment=visit.pk) == 2
    assert count(customer=visit.customer_id) == 6
    assert count(channel="sms") == 3
    assert count(kind="cancellation") == 2
    assert count(state="suppressed") == 2
    assert count(state="delivered") == 4
    assert count(state="pending") == count(state="failed") == 0
    assert count(created_after=written.isoformat()) == 6
    assert count(created_before=written.isoformat()) == 0
    assert count(created_after=(written + timedelta(days=1)).isoformat()) == 0


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"channel": "pigeon"}, {"appointment": "x"}]
)
def test_nonsense_is_refused(viewer, query) -> None:
    assert viewer.get(URL, query).status_code == 400


def test_states_agree_with_the_filter(company, viewer) -> None:
    cancel(book(company))
    drain(now=NOW)
    Notification.objects.filter(kind="cancellation", channel="sms").update(
        sent_at=None, delivery=None
    )
    everything = results(viewer.get(URL))

    for state in ("pending", "delivered", "suppressed", "failed"):
        found = {each["id"] for each in results(viewer.get(URL, {"state": state}))}
        assert found == {each["id"] for each in everything if each["state"] == state}


def test_messages_of_other_branches_are_not_there(company, api_as) -> None:
    book(company)
    drain(now=NOW)
    stranger = api_as(make_user(Role.VIEWER, locations=[make_location()]))
    message = Notification.objects.earliest("created_at")

    assert results(stranger.get(URL)) == []
    assert stranger.get(f"{URL}/{message.pk}").status_code == 404


@pytest.mark.parametrize("visits", [1, 5])
def test_the_number_of_queries_is_constant(
    company, viewer, visits, django_assert_num_queries
) -> None:
    for _ in range(visits):
        visit = make_appointment(location=company.branch, property=company.property)
        Notification.objects.create(
            key=str(visit.pk),
            appointment=visit,
            customer=visit.customer,
            event_name="appointment.booked",
            kind="confirmation",
            channel="email",
            recipient="ada@example.com",
            body="Hello",
        )

    with django_assert_num_queries(2):  # who asks, and the list
        found = results(viewer.get(URL))

    assert len(found) == visits
