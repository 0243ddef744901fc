"""Leads: who wants a visit, and what became of it."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.admin.actions import Action, PageAdmin
from core.admin.base import DropdownFilter, RadioFilter
from core.admin.contacts import email_link, phone_link
from core.admin.display import (
    Tone,
    badge,
    day,
    hours_text,
    map_url,
    moment_text,
    two_lines,
)
from core.admin.filters import BranchFilter
from core.admin.history import history_of
from leads.admin import forms
from leads.models import Lead, LeadFlag, LeadQuerySet, LeadStatus
from leads.selectors import leads_matching

_UTC = ZoneInfo("UTC")
_STATUS_TONES = {
    LeadStatus.NEW: Tone.CALM,
    LeadStatus.CONTACTED: Tone.SENT,
    LeadStatus.CONVERTED: Tone.ACTIVE,
    LeadStatus.DISMISSED: Tone.DONE,
}
_FLAG_TONES: Mapping[str, Tone] = {LeadFlag.POSSIBLE_DUPLICATE: Tone.WAITING}
_TITLES = {
    "lead.created": ("Came in", Tone.CALM),
    "lead.updated": ("Corrected", Tone.PLAIN),
    "lead.contacted": ("Contacted", Tone.SENT),
    "lead.dismissed": ("Dismissed", Tone.DONE),
    "lead.converted": ("Booked", Tone.ACTIVE),
}
OPEN_STATUSES = (LeadStatus.NEW, LeadStatus.CONTACTED)


def is_open(lead: Lead) -> bool:
    """Tell whether it still waits for somebody."""
    return lead.status in OPEN_STATUSES


class StateFilter(RadioFilter):
    """Open leads, unless one asks for others or searches."""

    title = "state"
    parameter_name = "state"
    all_option = ["", "Open"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*LeadStatus.choices, ("all", "All")]

    def queryset(self, request: HttpRequest, leads: LeadQuerySet) -> LeadQuerySet:
        chosen = self.value() or ("all" if request.GET.get("q") else "open")
        if chosen in LeadStatus.values:
            return leads.filter(status=chosen)
        return leads if chosen == "all" else leads.filter(status__in=OPEN_STATUSES)


class FlagFilter(DropdownFilter):
    """Leads that a person should look at."""

    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, _words(label)) for value, label in LeadFlag.choices]

    def queryset(self, request: HttpRequest, leads: LeadQuerySet) -> LeadQuerySet:
        return leads.filter(flags__contains=[self.value()]) if self.value() else leads


@admin.register(Lead)
class LeadAdmin(PageAdmin):
    """Wishes as they came in. They are answered, booked or dismissed by services."""

    list_display = (
        "reference",
        "who",
        "wish",
        "place",
        "flag_badges",
        "state",
        "branch",
        "received",
    )
    list_filter = (StateFilter, FlagFilter, BranchFilter)
    tabs = (
        ("Open", ""),
        ("New", "state=new"),
        ("Possible duplicates", "flag=possible_duplicate"),
        ("Booked", "state=converted"),
        ("All", "state=all"),
    )
    list_select_related = ("location",)
    ordering = ("-created_at", "-id")
    search_fields = ("reference",)
    search_help_text = "Reference, name, phone, e-mail or ZIP"
    page_template = "admin/lead.html"
    page_actions = (
        Action(
            slug="contacted",
            label="Mark contacted",
            icon="call",
            form=forms.ContactedForm,
            is_open=lambda lead: lead.status == LeadStatus.NEW,
            done="Noted that somebody has answered.",
        ),
        Action(
            slug="edit",
            submit="Save",
            label="Edit",
            icon="edit",
            form=forms.LeadEditForm,
            is_open=is_open,
            done="The lead is corrected.",
        ),
        Action(
            slug="dismiss",
            label="Dismiss",
            icon="block",
            form=forms.DismissForm,
            is_open=is_open,
            done="The lead is dismissed.",
            hint="It stays on record with the reason.",
            style="danger",
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        term = search_term.strip()
        return (leads_matching(queryset, term) if term else queryset), False

    def links(self, request: HttpRequest, thing: Lead) -> list[dict[str, Any]]:
        """Lead on to booking, which is a matter of visits."""
        if not is_open(thing):
            return []
        book = {"label": "Book a visit", "icon": "event_available", "style": "primary"}
        url = reverse("admin:appointments_appointment_book")
        return [{"action": book, "url": f"{url}?lead={thing.pk}"}]

    def facts(self, request: HttpRequest, thing: Lead) -> dict[str, Any]:
        zone = thing.location.time_zone if thing.location else _UTC
        address = _address(thing)
        visit = getattr(thing, "appointment", None)  # of an app above this one
        return {
            "state": self.state(thing),
            "wish": self.wish(thing),
            "flags": self.flag_badges(thing),
            "phone": phone_link(thing.phone) if thing.phone else thing.phone_given,
            "email": email_link(thing.email),
            "address": address,
            "map_url": map_url(address, at=None) if address else "",
            "received": moment_text(thing.created_at, zone=zone),
            "visit": visit,
            "history": history_of("lead", thing.pk, titles=_TITLES, zone=zone),
        }

    def summary(self, thing: Lead) -> list[tuple[str, Any]]:
        return [
            ("Name", thing.name),
            ("Phone", phone_link(thing.phone) if thing.phone else thing.phone_given),
            ("Wish", self.wish(thing)),
            ("Address", _address(thing) or "-"),
            ("Message", thing.message or "-"),
        ]

    @admin.display(description="Name")
    def who(self, lead: Lead) -> SafeString:
        return two_lines(lead.name, lead.phone_given or lead.email)

    @admin.display(description="Wish")
    def wish(self, lead: Lead) -> str:
        return lead.service_code or "-"

    @admin.display(description="Place")
    def place(self, lead: Lead) -> str:
        return f"{lead.city} {lead.postal_code}".strip() or "-"

    @admin.display(description="Flags")
    def flag_badges(self, lead: Lead) -> SafeString | str:
        labels = dict(LeadFlag.choices)
        shown = [
            (badge(_words(labels.get(flag, flag)), _FLAG_TONES.get(flag, Tone.ALERT)),)
            for flag in lead.flags
        ]
        return format_html_join(" ", "{}", shown) if shown else "-"

    @admin.display(description="State", ordering="status")
    def state(self, lead: Lead) -> SafeString:
        status = LeadStatus(lead.status)
        return badge(status.label, _STATUS_TONES[status])

    @admin.display(description="Branch")
    def branch(self, lead: Lead) -> SafeString | str:
        return lead.location.name if lead.location else badge("None", Tone.WAITING)

    @admin.display(description="Received", ordering="created_at")
    def received(self, lead: Lead) -> SafeString:
        zone = lead.location.time_zone if lead.location else _UTC
        at = lead.created_at
        hour = hours_text(at, at, zone=zone)
        return two_lines(hour, day(at, zone=zone))


def _address(lead: Lead) -> str:
    street = ", ".join(part for part in (lead.line1, lead.line2, lead.city) if part)
    place = f"{lead.region} {lead.postal_code}".strip()
    return ", ".join(part for part in (street, place) if part)


def _words(name: str) -> str:
    """Return a code or a label as one says it."""
    return name.replace("-", " ").replace("_", " ").capitalize()
