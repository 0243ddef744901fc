"""People, subscribers, deliveries and branches: what is the admins'."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.actors import SYSTEM, Role
from core.models import DeliveryAttempt, Location, OutboxMessage, Zone
from core.models.outbox import OutboxStatus
from integrations import services
from integrations.models import WebhookEndpoint
from tests.admin.desk import events_of
from tests.factories import NOW, PASSWORD, make_location, make_user, make_zone

URL = "http://127.0.0.1:9/hook"


# --- People --------------------------------------------------------------------


def test_an_account_is_opened_by_the_service(admin) -> None:
    branch = make_location(name="Phoenix")
    form = {
        "name": "Dana Reyes",
        "email": "Dana@Example.com",
        "role": "dispatcher",
        "branches": [str(branch.pk)],
        "password": PASSWORD,
    }

    page = admin.browser.post(reverse("admin:accounts_user_add"), form, follow=True)

    user = User.objects.get(email="dana@example.com")
    assert (user.role, list(user.locations.all())) == ("dispatcher", [branch])
    assert user.check_password(PASSWORD)
    assert "The account is open." in page.content.decode()
    assert events_of("user", user.pk) == ["user.created"]


def test_a_weak_password_is_refused_in_words(admin) -> None:
    form = {"name": "A", "email": "a@b.co", "role": "viewer", "password": "secret"}

    page = admin.browser.post(reverse("admin:accounts_user_add"), form).content.decode()

    assert "too short" in page
    assert not User.objects.filter(email="a@b.co").exists()
    assert "secret" not in page.replace("csrf", "")


def test_a_users_role_and_branches_are_changed(admin) -> None:
    user, branch = make_user(Role.VIEWER), make_location()
    form = {"name": "New", "role": "dispatcher", "branches": [str(branch.pk)]}

    admin.press("accounts_user", user, "edit", **form)

    user.refresh_from_db()
    assert (user.name, user.role) == ("New", "dispatcher")
    assert list(user.locations.all()) == [branch]


def test_a_user_is_deactivated_and_reactivated(admin) -> None:
    user = make_user(Role.VIEWER)

    admin.press("accounts_user", user, "deactivate")
    user.refresh_from_db()
    assert not user.is_active

    admin.press("accounts_user", user, "reactivate")
    user.refresh_from_db()
    assert user.is_active


def test_the_last_admin_stays(admin) -> None:
    last = User.objects.get(role=Role.ADMIN)

    page = admin.press("accounts_user", last, "deactivate")

    assert 'role="alert"' in page
    last.refresh_from_db()
    assert last.is_active


def test_setting_a_password_ends_the_sessions(admin, sign_in) -> None:
    other: Client = sign_in(Role.DISPATCHER, make_location())
    user = User.objects.get(role=Role.DISPATCHER)

    admin.press("accounts_user", user, "password", password="another-long-one-7")

    assert other.get(reverse("admin:index")).status_code == 302


def test_no_page_of_a_user_shows_the_hash(admin) -> None:
    user = make_user()
    url = reverse("admin:accounts_user_change", args=[user.pk])

    assert "argon2" not in admin.browser.get(url).content.decode()


# --- Subscribers ---------------------------------------------------------------


def endpoint(**given: object) -> WebhookEndpoint:
    return services.create_endpoint(
        **{"url": URL, "actor": SYSTEM, "now": NOW} | given  # type: ignore[arg-type]
    )


def test_a_subscribers_secret_is_shown_once(admin) -> None:
    form = {"url": URL, "names": ["appointment.booked"]}

    page = admin.browser.post(reverse("admin:integrations_webhookendpoint_add"), form)

    made = WebhookEndpoint.objects.get()
    assert made.event_names == ["appointment.booked"]
    assert made.secret in page.content.decode()
    assert made.secret not in str(admin.browser.cookies)
    url = reverse("admin:integrations_webhookendpoint_change", args=[made.pk])
    assert made.secret not in admin.browser.get(url).content.decode()


def test_a_secret_is_renewed_and_shown_once(admin) -> None:
    made = endpoint()
    before = made.secret

    page = admin.press("integrations_webhookendpoint", made, "rotate")

    made.refresh_from_db()
    assert made.secret != before
    assert made.secret in page
    assert before not in page


def test_a_subscriber_is_switched_off_tried_and_deleted(admin) -> None:
    made = endpoint()
    admin.press("integrations_webhookendpoint", made, "test")
    assert OutboxMessage.objects.get().destination == str(made.pk)

    admin.press("integrations_webhookendpoint", made, "edit", url=URL)
    made.refresh_from_db()
    assert not made.is_active
    assert OutboxMessage.objects.get().status == OutboxStatus.PARKED

    page = admin.press("integrations_webhookendpoint", made, "delete")
    assert "The endpoint is gone" in page
    assert not WebhookEndpoint.objects.exists()


def test_an_unsafe_url_is_refused_in_words(admin) -> None:
    form = {"url": "ftp://example.com/"}

    page = admin.browser.post(reverse("admin:integrations_webhookendpoint_add"), form)

    assert 'role="alert"' in page.content.decode()


def test_what_was_given_up_is_counted(admin) -> None:
    made = endpoint()
    for n in range(3):
        outbox(destination=str(made.pk), ordering_key=f"{n}", status="dead")

    listed = admin.browser.get(reverse("admin:integrations_webhookendpoint_changelist"))
    start = admin.browser.get(reverse("admin:index"))

    assert 'fb-alert">3<' in listed.content.decode()
    assert ">3<" in "".join(start.content.decode().split())


# --- Deliveries ----------------------------------------------------------------


def outbox(**given: object) -> OutboxMessage:
    fields: dict[str, object] = {
        "kind": "webhook",
        "destination": "somebody",
        "aggregate_type": "appointment",
        "aggregate_id": make_location().pk,
        "ordering_key": "o",
    }
    if given.get("status") == OutboxStatus.DEAD:
        fields["finished_at"] = NOW
    return OutboxMessage.objects.create(**fields | given)


def test_a_dead_delivery_is_sent_again(admin) -> None:
    message = outbox(status=OutboxStatus.DEAD, attempts=13, last_error="HTTP 500")
    DeliveryAttempt.objects.create(
        message=message,
        number=1,
        started_at=NOW,
        duration_ms=12,
        outcome="retry",
        http_status=500,
    )

    page = admin.press("core_outboxmessage", message, "replay")

    message.refresh_from_db()
    assert message.status == OutboxStatus.PENDING
    assert "The message is on its way again." in page
    assert ">500<" in page


def test_all_that_was_given_up_is_sent_again(admin, sign_in) -> None:
    dead = [outbox(status=OutboxStatus.DEAD, ordering_key=f"{n}") for n in range(2)]
    url = reverse("admin:core_outboxmessage_replay_dead")
    dispatcher = sign_in(Role.DISPATCHER, make_location())

    assert dispatcher.post(url).status_code == 403
    assert admin.browser.get(url).status_code == 200
    assert OutboxMessage.objects.filter(status=OutboxStatus.DEAD).count() == 2
    admin.browser.post(url)

    for message in dead:
        message.refresh_from_db()
        assert message.status == OutboxStatus.PENDING


def test_a_waiting_delivery_is_called_off(admin) -> None:
    message = outbox()

    admin.press("core_outboxmessage", message, "call-off", reason="Wrong address")

    message.refresh_from_db()
    assert message.status == OutboxStatus.CANCELLED


# --- Branches ------------------------------------------------------------------


def test_a_zone_lists_its_zips_as_one_text(admin) -> None:
    branch = make_location()
    zone = make_zone("85001", "85002", location=branch)
    url = reverse("admin:core_zone_change", args=[zone.pk])
    assert "85001 85002" in admin.browser.get(url).content.decode()
    form = {"location": branch.pk, "name": "North"}

    admin.browser.post(url, form | {"zip_codes": "85002, 85003\n85004"})

    zips = zone.zips.order_by("postal_code").values_list("postal_code", flat=True)
    assert list(zips) == ["85002", "85003", "85004"]


@pytest.mark.parametrize("zips", ["8500", "abcde", "85009"])
def test_a_zip_is_whole_and_in_one_zone(zips, admin) -> None:
    make_zone("85009")
    form = {"location": make_location().pk, "name": "South", "zip_codes": zips}

    answer = admin.browser.post(reverse("admin:core_zone_add"), form)

    assert answer.status_code == 200
    assert not Zone.objects.filter(name="South").exists()


def test_a_branch_is_set_up_with_its_hours(admin) -> None:
    form = {
        "name": "Tucson",
        "code": "tucson",
        "time_zone": "America/Phoenix",
        "is_active": "on",
        "opening_hours-TOTAL_FORMS": 1,
        "opening_hours-INITIAL_FORMS": 0,
        "opening_hours-0-weekday": 0,
        "opening_hours-0-opens": "08:00",
        "opening_hours-0-closes": "17:00",
        "holidays-TOTAL_FORMS": 0,
        "holidays-INITIAL_FORMS": 0,
        "zones-TOTAL_FORMS": 0,
        "zones-INITIAL_FORMS": 0,
    }

    answer = admin.browser.post(reverse("admin:core_location_add"), form)

    assert answer.status_code == 302
    branch = Location.objects.get(code="tucson")
    assert branch.opening_hours.get().closes.hour == 17
