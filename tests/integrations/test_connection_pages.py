"""Connections in the admin site."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.actors import Role
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import Connection, FieldMapping
from tests.admin.desk import Desk, events_of
from tests.factories import make_user
from tests.integrations.test_connections import SECRET, make, waiting
from tests.integrations.vendor import Reply

MODEL = "integrations_connection"

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db, vendor) -> Desk:
    browser = Client()
    browser.force_login(make_user(Role.ADMIN))
    return Desk(browser)


@pytest.fixture
def connection(db, vendor) -> Connection:
    return make(vendor)


def add(admin: Desk, **given: Any) -> str:
    form = {
        "name": "Titan",
        "setting_tenant": "t1",
        "setting_region": "us",
        "secret_key": SECRET,
    }
    url = reverse(f"admin:{MODEL}_add") + "?vendor=servicetitan"
    return admin.browser.post(url, form | given, follow=True).content.decode()


def test_a_vendor_is_chosen_first(admin) -> None:
    page = admin.browser.get(reverse(f"admin:{MODEL}_add")).content.decode()

    assert 'href="?vendor=servicetitan"' in page
    assert "csrfmiddlewaretoken" not in page.split("Which vendor?")[1]


def test_its_questions_are_the_fields(admin) -> None:
    url = reverse(f"admin:{MODEL}_add") + "?vendor=servicetitan"

    page = admin.browser.get(url).content.decode()

    assert 'name="setting_tenant"' in page
    assert 'type="password" name="secret_key"' in page
    assert "Empty: https://api.vendor.example" in page


def test_one_is_connected(admin) -> None:
    page = add(admin)

    made = Connection.objects.get()
    assert made.settings == {"tenant": "t1", "region": "us"}
    assert json.loads(made.credentials) == {"key": SECRET}
    assert "The vendor is connected." in page
    assert "Set: Key" in page
    assert SECRET not in page
    assert made.inbound_token in page


def test_what_is_missing_is_said(admin) -> None:
    page = add(admin, secret_key="")

    assert 'role="alert"' in page
    assert not Connection.objects.exists()


def test_a_secret_that_is_left_empty_stays(admin, vendor, connection) -> None:
    page = admin.press(
        MODEL,
        connection,
        "edit",
        name="Titan 2",
        setting_tenant="t2",
        host_api=vendor.url,
        calls_per_second="7.5",
    )

    connection.refresh_from_db()
    assert "The connection is saved." in page
    assert (connection.name, connection.calls_per_second) == ("Titan 2", 7.5)
    assert connection.settings == {"tenant": "t2", "hosts": {"api": vendor.url}}
    assert json.loads(connection.credentials) == {"key": SECRET}


def test_the_form_shows_no_secret(admin, connection) -> None:
    for slug in ("edit", "reauthorise", "rotate-secret"):
        url = reverse(f"admin:{MODEL}_action", args=[connection.pk, slug])
        assert SECRET not in admin.browser.get(url).content.decode()


def test_a_test_tells_what_the_vendor_says(admin, vendor, connection) -> None:
    vendor.otherwise = Reply(json={"name": "Ann"})
    fine = admin.press(MODEL, connection, "test")

    vendor.otherwise = Reply(status=401, json={"message": "Who are you?"})
    refused = admin.press(MODEL, connection, "test")

    assert "The vendor knows us" in fine
    assert "Hello Ann." in fine
    assert "HTTP 401: Who are you?" in refused


def test_it_is_paused_and_resumed(admin, connection) -> None:
    waiting(connection)
    admin.press(MODEL, connection, "pause", reason="Stocktaking")
    connection.refresh_from_db()
    parked = set(OutboxMessage.objects.values_list("status", flat=True))

    page = admin.press(MODEL, connection, "resume")

    assert parked == {OutboxStatus.PARKED}
    assert "The connection is in use again" in page
    assert events_of("connection", connection.pk)[1:] == [
        "connection.paused",
        "connection.resumed",
    ]


def test_new_credentials_are_tried_first(admin, vendor, connection) -> None:
    vendor.otherwise = Reply(status=401)
    refused = admin.press(MODEL, connection, "reauthorise", key="bad")
    vendor.otherwise = Reply(json={"name": "Ann"})

    taken = admin.press(MODEL, connection, "reauthorise", key="good")

    connection.refresh_from_db()
    assert "HTTP 401" in refused
    assert "takes the new credentials" in taken
    assert json.loads(connection.credentials) == {"key": "good"}


def test_a_new_secret_is_shown_once(admin, connection) -> None:
    page = admin.press(MODEL, connection, "rotate-secret")

    connection.refresh_from_db()
    assert connection.inbound_secret in page
    assert connection.inbound_secret not in admin.page(MODEL, connection)


def test_one_that_the_vendor_made_is_not_shown(admin, connection) -> None:
    page = admin.press(MODEL, connection, "rotate-secret", secret="whsec_theirs")

    connection.refresh_from_db()
    assert connection.inbound_secret == "whsec_theirs"
    assert "whsec_theirs" not in page


def test_the_mapping_is_a_table(admin, connection) -> None:
    rows: dict[str, Any] = {
        "rows-TOTAL_FORMS": 3,
        "rows-INITIAL_FORMS": 2,
        "rows-0-object_type": "customer",
        "rows-0-field": "language",
        "rows-0-remote": "lang",
        "rows-0-direction": "out",
        "rows-0-winner": "theirs",
        "rows-0-choices": '{"en": "english"}',
        "rows-1-DELETE": "on",
        "rows-2-direction": "both",
        "rows-2-winner": "ours",
        "rows-2-choices": "{}",
    }

    page = admin.press(MODEL, connection, "mapping", **rows)

    row = FieldMapping.objects.get()
    assert "lang (out, theirs wins)" in page
    assert (row.field, row.choices) == ("language", {"en": "english"})


def test_it_is_deleted(admin, connection) -> None:
    page = admin.press(MODEL, connection, "delete")

    assert "The connection is gone" in page
    assert not Connection.objects.exists()


def test_nobody_else_sees_them(connection) -> None:
    browser = Client()
    browser.force_login(make_user(Role.DISPATCHER))
    url = reverse(f"admin:{MODEL}_change", args=[connection.pk])

    assert browser.get(url).status_code in {403, 404}
