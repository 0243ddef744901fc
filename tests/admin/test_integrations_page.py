"""The page that tells how vendors and subscribers are doing."""

from datetime import timedelta

import pytest
from django.urls import reverse

from core.actors import Role
from core.admin.display import share_text
from core.ids import uuid7
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import Connection, ConnectionHealth
from integrations.selectors.hours import hours_of
from tests.core.outbox_rows import tell
from tests.factories import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(db) -> Connection:
    made = Connection.objects.create(vendor="servicetitan", name="Our CRM")
    ConnectionHealth.objects.create(connection=made)
    return made


def message(connection, status, *, age=HOUR, **given):
    made = tell(kind="sync", destination=str(connection.pk), of=uuid7())
    ended = None if status == OutboxStatus.PENDING else NOW - age
    OutboxMessage.objects.filter(pk=made.pk).update(
        status=status, created_at=NOW - age, finished_at=ended, **given
    )
    return made


def page(browser) -> str:
    return " ".join(browser.get(reverse("admin:integrations")).content.decode().split())


def test_the_page_tells_how_a_connection_stands(admin, connection) -> None:
    message(connection, OutboxStatus.DELIVERED)
    message(connection, OutboxStatus.DEAD, last_error="The job type is not active.")
    ConnectionHealth.objects.update(breaker="open", reopens_at=NOW, last_error="503")

    shown = page(admin.browser)

    assert "Our CRM" in shown
    assert "Down: no calls" in shown
    assert "50.00 %" in shown
    assert "The job type is not active." in shown
    assert "14:00 UTC: 1 delivered, 1 given up" in shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1, "100 %"), (0.999_999, "99.99 %"), (0.5, "50.00 %"), (0, "0.00 %")],
)
def test_a_share_is_never_rounded_up_to_all(ratio, shown) -> None:
    assert share_text(ratio) == shown


def test_what_was_given_up_for_one_is_sent_again_by_a_button(admin, connection) -> None:
    other = Connection.objects.create(vendor="twilio", name="Texts")
    dead = [message(connection, OutboxStatus.DEAD) for _ in range(2)]
    not_asked = message(other, OutboxStatus.DEAD)
    url = reverse("admin:integrations_replay", args=[connection.pk])

    for _ in range(2):
        admin.browser.post(url)

    again = OutboxMessage.objects.filter(status=OutboxStatus.PENDING)
    assert set(again) == set(dead)
    not_asked.refresh_from_db()
    assert not_asked.status == OutboxStatus.DEAD
    audited = Event.objects.get(name="deliveries.replayed")
    assert audited.data["count"] == 2


def test_nothing_is_sent_again_by_looking(admin, connection) -> None:
    url = reverse("admin:integrations_replay", args=[connection.pk])

    assert admin.browser.get(url).status_code == 405
    assert (
        admin.browser.post(
            reverse("admin:integrations_replay", args=[uuid7()])
        ).status_code
        == 404
    )


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.VIEWER])
def test_the_page_is_the_admins(sign_in, branch, connection, role) -> None:
    browser = sign_in(role, branch)
    replay = reverse("admin:integrations_replay", args=[connection.pk])

    assert browser.get(reverse("admin:integrations")).status_code == 403
    assert browser.post(replay).status_code == 403
    assert "Integrations" not in browser.get(reverse("admin:index")).content.decode()


def test_hours_are_counted_by_when_a_message_ended(connection) -> None:
    message(connection, OutboxStatus.DELIVERED, age=timedelta(0))
    message(connection, OutboxStatus.SUPERSEDED, age=2 * HOUR)
    message(connection, OutboxStatus.DEAD, age=2 * HOUR)
    message(connection, OutboxStatus.DELIVERED, age=3 * HOUR)  # too long ago
    message(connection, OutboxStatus.PENDING, age=HOUR)

    hours = hours_of([connection.pk], until=NOW, count=3)[connection.pk]

    figures = [(NOW - hour.starts_at, hour.delivered, hour.dead) for hour in hours]
    assert figures == [(2 * HOUR, 1, 1), (HOUR, 0, 0), (timedelta(0), 1, 0)]
