"""Customers: how they are reached, where they live, what was done for them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.admin.actions import Action, PageAdmin
from core.admin.base import actor_of
from core.admin.contacts import email_link, phone_link
from core.admin.display import map_url
from leads.admin import customer_forms as forms
from leads.admin.consent_form import ConsentForm
from leads.models import ConsentAction, ContactKind, Customer, Property
from leads.selectors import customers_matching, customers_with_contacts

_MOST = 20  # visits on the page; the list of visits has the rest


@admin.register(Customer)
class CustomerAdmin(PageAdmin):
    """Households and firms. Names and contacts are changed by services."""

    list_display = ("name", "phones", "emails", "places")
    ordering = ("name", "id")
    search_fields = ("name",)
    search_help_text = "Name, phone, e-mail, street or ZIP"
    page_template = "admin/customer.html"
    page_actions = (
        Action(
            slug="edit",
            submit="Save",
            label="Edit",
            icon="edit",
            form=forms.CustomerForm,
            done="The customer is saved.",
        ),
        Action(
            slug="address",
            submit="Save",
            label="Add address",
            icon="add_home",
            form=forms.AddressForm,
            done="The address is listed.",
        ),
        Action(
            slug="consent",
            submit="Save",
            label="Consent",
            icon="how_to_reg",
            form=ConsentForm,
            done="It is written down.",
            is_open=lambda customer: bool(customer.contact_methods.all()),
            hint="What may be sent to them. Their words are kept as proof.",
        ),
    )
    add_action = Action(
        slug="add",
        submit="Save",
        label="New customer",
        icon="person_add",
        form=forms.CustomerForm,
        done="The customer is listed. Add an address to book a visit.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return customers_with_contacts(actor=actor_of(request))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[Customer], bool]:
        term = search_term.strip()
        return (customers_matching(queryset, term) if term else queryset), False

    def facts(self, request: HttpRequest, thing: Customer) -> dict[str, Any]:
        may_book = self.has_change_permission(request, thing)
        book = reverse("admin:appointments_appointment_book")
        agree = reverse("admin:appointments_maintenanceplan_add")
        # Visits are of an app above this one: reached by the name of the relation.
        visits = thing.appointments.visible_to(actor_of(request))
        prefer = reverse("admin:appointments_technicianpreference_add")
        return {
            "contacts": [
                {"link": _contact(one), "words": _words(one)}
                for one in thing.contact_methods.all()
            ],
            "places": [
                {
                    "place": place,
                    "map_url": _map_url(place),
                    "book_url": f"{book}?property={place.pk}" if may_book else "",
                    "plan_url": f"{agree}?property={place.pk}" if may_book else "",
                }
                for place in thing.properties.all()
            ],
            "preferences": thing.technician_preferences.select_related(
                "technician"
            ).order_by("kind", "pk"),
            "prefer_url": f"{prefer}?customer={thing.pk}" if may_book else "",
            "visits": visits.select_related("location", "service").order_by(
                "-starts_at"
            )[:_MOST],
        }

    def summary(self, thing: Customer) -> list[tuple[str, Any]]:
        return [("Customer", thing.name)]

    @admin.display(description="Phone")
    def phones(self, customer: Customer) -> SafeString | str:
        return _listed(customer, ContactKind.PHONE)

    @admin.display(description="E-mail")
    def emails(self, customer: Customer) -> SafeString | str:
        return _listed(customer, ContactKind.EMAIL)

    @admin.display(description="Address")
    def places(self, customer: Customer) -> str:
        return "; ".join(
            f"{one.line1}, {one.city} {one.postal_code}"
            for one in customer.properties.all()
        )


def _contact(one: Any) -> SafeString | str:
    is_phone = one.kind == ContactKind.PHONE
    return phone_link(one.value) if is_phone else email_link(one.value)


def _words(one: Any) -> str:
    """Say what they answered to being written to there."""
    said = [
        f"{label} {'yes' if word == ConsentAction.GRANTED else 'no'}"
        for label, word in (("visits:", one.service), ("advertising:", one.marketing))
        if word
    ]
    return ", ".join(said)


def _listed(customer: Customer, kind: ContactKind) -> SafeString | str:
    found = [
        (_contact(one),) for one in customer.contact_methods.all() if one.kind == kind
    ]
    return format_html_join(", ", "{}", found) if found else "-"


def _map_url(place: Property) -> str:
    at = None
    if place.latitude is not None and place.longitude is not None:
        at = (place.latitude, place.longitude)
    text = f"{place.line1}, {place.city}, {place.region} {place.postal_code}"
    return map_url(text, at=at)
