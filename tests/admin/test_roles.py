"""Who gets in, what they see, and what they may do."""

import pytest
from django.urls import reverse

from accounts import services
from core.actors import SYSTEM, Role
from core.events import emit
from core.models import Location
from notifications.models import Channel, Notification
from tests.admin.test_lists import MAKERS
from tests.factories import (
    NOW,
    make_appointment,
    make_lead,
    make_location,
    make_technician,
    make_zone,
)

ADMINS_ONLY = {
    "accounts_user",
    "integrations_inboundevent",
    "integrations_connection",
    "integrations_externallink",
    "integrations_syncconflict",
    "integrations_webhookendpoint",
    "core_outboxmessage",
    "core_idempotencyrecord",
}
START = "/admin/"
OFFICE = (Role.ADMIN, Role.DISPATCHER, Role.VIEWER)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("model", MAKERS)
def test_lists_open_to_whom_they_should(model, role, sign_in, client) -> None:
    if role is not Role.ANONYMOUS:
        client = sign_in(role, make_location())
    answer = client.get(reverse(f"admin:{model}_changelist"))

    if role not in OFFICE:
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("admin:login"))
    elif model in ADMINS_ONLY and role is not Role.ADMIN:
        assert answer.status_code == 403
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("role", OFFICE)
def test_the_sidebar_shows_what_one_may_open(role, sign_in) -> None:
    page = sign_in(role, make_location()).get(reverse("admin:index")).content.decode()

    for model in ADMINS_ONLY:
        is_shown = reverse(f"admin:{model}_changelist") in page
        assert is_shown == (role is Role.ADMIN)
    assert reverse("admin:appointments_appointment_changelist") in page


def _message(branch: Location) -> Notification:
    visit = make_appointment(location=branch)
    return Notification.objects.create(
        key=str(visit.pk),
        appointment=visit,
        customer=visit.customer,
        event_name="appointment.booked",
        kind="confirmation",
        channel=Channel.EMAIL,
        recipient="a@example.com",
        body="Hello",
    )


def _event(branch: Location):
    visit = make_appointment(location=branch)
    return emit(
        "appointment.booked",
        of=("appointment", visit.pk),
        actor=SYSTEM,
        now=NOW,
        location_id=branch.pk,
    )


SCOPED = {
    "appointments_appointment": lambda branch: make_appointment(location=branch),
    "leads_lead": lambda branch: make_lead(location=branch),
    "technicians_technician": lambda branch: make_technician(location=branch),
    "notifications_notification": _message,
    "core_location": lambda branch: branch,
    "core_zone": lambda branch: make_zone(location=branch),
    "core_event": _event,
}


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.VIEWER])
@pytest.mark.parametrize("model", SCOPED)
def test_what_belongs_to_another_branch_is_not_there(model, role, sign_in) -> None:
    mine, other = make_location(), make_location()
    own, foreign = SCOPED[model](mine), SCOPED[model](other)
    browser = sign_in(role, mine)
    address = {
        thing: reverse(f"admin:{model}_change", args=[thing.pk])
        for thing in (own, foreign)
    }

    listed = browser.get(reverse(f"admin:{model}_changelist")).content.decode()
    answers = {thing: browser.get(address[thing]) for thing in (own, foreign)}

    assert answers[own].status_code == 200
    # Our pages say 404; the theme's own lead back to the start.
    assert answers[foreign].status_code == 404 or answers[foreign]["Location"] == START
    assert address[own] in listed
    assert address[foreign] not in listed


ACTIONS = [
    ("appointments_appointment", slug)
    for slug in ("assign", "reschedule", "step", "unassign", "notes", "cancel")
]
ACTIONS += [("leads_lead", slug) for slug in ("contacted", "edit", "dismiss")]
ACTIONS += [
    ("technicians_technician", slug)
    for slug in ("edit", "shifts", "skills", "time-off", "exception", "deactivate")
]


@pytest.mark.parametrize(("model", "slug"), ACTIONS)
def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(
    model, slug, sign_in
) -> None:
    branch = make_location()
    thing = SCOPED[model](branch)
    address = reverse(f"admin:{model}_action", args=[thing.pk, slug])
    viewer = sign_in(Role.VIEWER, branch)
    stranger = sign_in(Role.DISPATCHER, make_location())

    page = viewer.get(reverse(f"admin:{model}_change", args=[thing.pk]))

    assert address not in page.content.decode()
    for browser, expected in ((viewer, 403), (stranger, 404)):
        assert browser.get(address).status_code == expected
        answer = browser.post(address, {"version": 1, "reason": "why"})
        assert answer.status_code == expected
    thing.refresh_from_db()
    assert thing.version == 1


def test_a_viewer_books_nothing(sign_in) -> None:
    branch = make_location()
    lead = make_lead(location=branch)
    address = reverse("admin:appointments_appointment_book")

    answer = sign_in(Role.VIEWER, branch).get(address, {"lead": lead.pk})

    assert answer.status_code == 403


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.VIEWER])
@pytest.mark.parametrize("model", ["core_location", "appointments_service"])
def test_only_admins_change_what_the_company_stands_on(model, role, sign_in) -> None:
    branch = make_location()
    thing = branch if model == "core_location" else MAKERS[model](0)
    browser = sign_in(role, branch)
    address = reverse(f"admin:{model}_change", args=[thing.pk])

    assert browser.get(address).status_code == 200
    assert browser.post(address, {"name": "Mine now"}).status_code == 403
    assert browser.get(reverse(f"admin:{model}_add")).status_code == 403


@pytest.mark.parametrize("model", MAKERS)
def test_nothing_is_deleted_by_the_theme(model, sign_in) -> None:
    thing = MAKERS[model](0)
    browser = sign_in()

    answer = browser.post(
        reverse(f"admin:{model}_delete", args=[thing.pk]), {"post": "yes"}
    )
    bulk = browser.post(
        reverse(f"admin:{model}_changelist"),
        {"action": "delete_selected", "_selected_action": str(thing.pk), "post": "yes"},
    )

    assert type(thing).objects.filter(pk=thing.pk).exists()
    assert answer.status_code == 403
    assert bulk.status_code in {200, 302, 403}


@pytest.mark.parametrize("model", MAKERS)
def test_what_is_no_id_is_not_there(model, sign_in) -> None:
    answer = sign_in().get(reverse(f"admin:{model}_change", args=["no-such-thing"]))

    assert answer.status_code in {302, 404}


def test_a_new_role_counts_at_once(sign_in) -> None:
    browser = sign_in(Role.DISPATCHER, make_location())
    assert browser.get(reverse("admin:index")).status_code == 200
    user_id = browser.session["_auth_user_id"]
    services.change_role(user_id=user_id, role=Role.TECHNICIAN, by=SYSTEM, now=NOW)

    assert browser.get(reverse("admin:index")).status_code == 302
