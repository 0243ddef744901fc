"""Caps, and customers' words about technicians, at a desk."""

import pytest
from django.urls import reverse

from appointments.models import Cap, TechnicianPreference
from core.actors import Role
from tests.admin.desk import events_of
from tests.factories import (
    make_customer,
    make_location,
    make_service,
    make_technician,
    make_zone,
)

CAP = "appointments_cap"
PREFERENCE = "appointments_technicianpreference"


def add(desk, model: str, **fields: object) -> str:
    url = reverse(f"admin:{model}_add")
    assert desk.browser.get(url).status_code == 200
    page: str = desk.browser.post(url, fields, follow=True).content.decode()
    return page


# --- Caps -----------------------------------------------------------------------


def test_an_admin_caps_a_service_on_a_weekday(admin, branch) -> None:
    service = make_service(name="Tune-up")

    page = add(
        admin, CAP, location=branch.pk, service=service.pk, zone="", weekday=4, most=6
    )

    cap = Cap.objects.get()
    assert (cap.service, cap.zone, cap.weekday, cap.most) == (service, None, 4, 6)
    assert "The cap holds from now on." in page
    assert "Friday" in page
    assert events_of("cap", cap.pk) == ["cap.changed"]


def test_a_cap_of_the_same_kind_is_refused(admin, branch) -> None:
    Cap.objects.create(location=branch, most=3)

    page = add(admin, CAP, location=branch.pk, most=6)

    assert "There is such a cap already." in page
    assert Cap.objects.get().most == 3


def test_the_zone_must_be_the_branchs(admin, branch) -> None:
    zone = make_zone("10001")

    page = add(admin, CAP, location=branch.pk, zone=zone.pk, most=6)

    assert "another branch" in page
    assert not Cap.objects.exists()


def test_a_cap_is_changed_and_deleted(admin, branch) -> None:
    cap = Cap.objects.create(location=branch, most=3)

    admin.press(CAP, cap, "edit", most=0)
    cap.refresh_from_db()
    assert cap.most == 0
    admin.press(CAP, cap, "delete")

    assert not Cap.objects.exists()
    assert events_of("cap", cap.pk) == ["cap.changed", "cap.changed"]


def test_a_dispatcher_looks_at_the_caps_of_his_branches(desk, branch) -> None:
    own = Cap.objects.create(location=branch, most=3)
    other = Cap.objects.create(location=make_location(), most=3)

    seen = desk.browser.get(reverse(f"admin:{CAP}_changelist")).content.decode()
    change = reverse(f"admin:{CAP}_action", args=[own.pk, "edit"])

    assert str(own.pk) in seen
    assert str(other.pk) not in seen
    assert desk.browser.get(reverse(f"admin:{CAP}_add")).status_code == 403
    assert desk.browser.get(change).status_code == 403


# --- Preferences ------------------------------------------------------------------


def test_the_customers_page_leads_to_preferences(desk, branch) -> None:
    technician = make_technician(name="Maria Soto", location=branch)
    customer = make_customer()
    address = f"{reverse(f'admin:{PREFERENCE}_add')}?customer={customer.pk}"

    before = desk.page("leads_customer", customer)
    asked = desk.browser.get(address).content.decode()
    desk.browser.post(
        address,
        {
            "customer": customer.pk,
            "technician": technician.pk,
            "kind": "barred",
            "reason": "Muddy boots",
        },
    )
    after = desk.page("leads_customer", customer)

    assert address in before
    assert "Maria Soto" in asked
    assert "Maria Soto</a>: barred" in after
    assert "Muddy boots" in after
    assert events_of("customer", customer.pk) == ["customer.preference_changed"]


def test_a_preference_is_forgotten(desk, branch) -> None:
    preference = TechnicianPreference.objects.create(
        customer=make_customer(),
        technician=make_technician(location=branch),
        kind="preferred",
    )

    desk.press(PREFERENCE, preference, "forget")

    assert not TechnicianPreference.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DISPATCHER])
def test_who_works_elsewhere_is_not_found(sign_in, branch, role) -> None:
    preference = TechnicianPreference.objects.create(
        customer=make_customer(), technician=make_technician(), kind="preferred"
    )
    url = reverse(f"admin:{PREFERENCE}_change", args=[preference.pk])

    assert sign_in(role, branch).get(url).status_code == 404


def test_only_technicians_in_sight_can_be_chosen(desk) -> None:
    elsewhere = make_technician()

    page = add(
        desk,
        PREFERENCE,
        customer=make_customer().pk,
        technician=elsewhere.pk,
        kind="barred",
    )

    assert "Select a valid choice" in page
    assert not TechnicianPreference.objects.exists()
