"""Technicians: what they can do, when they work, when they are away.

A change of theirs and a booking take turns on the technician's row, so nothing here
is saved by a form of the theme: each button calls a service that takes the lock.
"""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.admin.actions import PageAdmin
from core.admin.base import AdminsWrite, ModelAdmin, RadioFilter
from core.admin.contacts import email_link, phone_link
from core.admin.display import Tone, badge, moment_text
from core.admin.filters import BranchFilter
from core.admin.history import history_of
from core.models.company import Weekday
from core.walltime import local_date
from technicians.admin.actions import ADD, TECHNICIAN_ACTIONS
from technicians.models import Skill, Technician, TechnicianSkill

_MOST = 50  # absences on the page


class ActiveFilter(RadioFilter):
    """Those at work, unless one asks for the others."""

    title = "state"
    parameter_name = "state"
    all_option = ["", "Active"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("gone", "Deactivated"), ("all", "All")]

    def queryset(
        self, request: HttpRequest, rows: QuerySet[Technician]
    ) -> QuerySet[Technician]:
        match self.value():
            case "all":
                return rows
            case chosen:
                return rows.filter(is_active=chosen != "gone")


@admin.register(Technician)
class TechnicianAdmin(PageAdmin):
    """The crew."""

    list_display = ("name", "branch", "phone_number", "skill_names", "zone_names")
    list_filter = (ActiveFilter, BranchFilter)
    ordering = ("name", "pk")
    search_fields = ("name", "phone", "email")
    add_action = ADD
    page_actions = TECHNICIAN_ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Technician]:
        rows = super().get_queryset(request)
        return rows.select_related("location", "user").prefetch_related(
            "zones", "technician_skills__skill"
        )

    def links(self, request: HttpRequest, thing: Technician) -> list[dict[str, Any]]:
        """Lead on to the visits, which are an app above."""
        visits = {"label": "Visits", "icon": "calendar_month", "style": "plain"}
        url = reverse("admin:appointments_appointment_changelist")
        return [{"action": visits, "url": f"{url}?technician={thing.pk}"}]

    def facts(self, request: HttpRequest, thing: Technician) -> dict[str, Any]:
        zone = thing.location.time_zone
        today = local_date(timezone.now(), zone=zone)
        state = "Active" if thing.is_active else "Deactivated"
        return {
            "badges": badge(state, Tone.ACTIVE if thing.is_active else Tone.DONE),
            "sections": [
                (
                    "Technician",
                    [
                        ("Branch", self.branch(thing)),
                        ("Phone", phone_link(thing.phone)),
                        ("E-mail", email_link(thing.email)),
                        ("Signs in as", thing.user or "Nobody"),
                        ("Zones", self.zone_names(thing)),
                        ("Skills", _skills(thing, today=today)),
                    ],
                ),
                ("Weekly shifts", _shifts(thing)),
                ("Away and other hours", _absences(thing, today=today)),
            ],
            "history": history_of("technician", thing.pk, titles={}, zone=zone),
        }

    def summary(self, thing: Technician) -> list[tuple[str, Any]]:
        zone = thing.location.time_zone
        return [
            ("Technician", thing.name),
            ("Branch", thing.location.name),
            ("Clock", moment_text(timezone.now(), zone=zone)),
        ]

    @admin.display(description="Branch", ordering="location__name")
    def branch(self, technician: Technician) -> str:
        return technician.location.name

    @admin.display(description="Phone")
    def phone_number(self, technician: Technician) -> SafeString | str:
        return phone_link(technician.phone)

    @admin.display(description="Skills")
    def skill_names(self, technician: Technician) -> str:
        held = technician.technician_skills.all()
        return ", ".join(sorted(one.skill.name for one in held)) or "-"

    @admin.display(description="Zones")
    def zone_names(self, technician: Technician) -> str:
        names = sorted(zone.name for zone in technician.zones.all())
        return ", ".join(names) or "The whole area"


@admin.register(Skill)
class SkillAdmin(AdminsWrite, ModelAdmin):
    """Trades and certificates. A name and a code carry no rule: the form saves them."""

    list_display = ("name", "code")
    ordering = ("name", "pk")
    search_fields = ("name", "code")


def _skills(technician: Technician, *, today: date) -> SafeString | str:
    """Return each skill; a certificate that has run out is marked."""
    held = sorted(technician.technician_skills.all(), key=lambda one: one.skill.name)
    return format_html_join(" ", "{}", ((_skill(one, today=today),) for one in held))


def _skill(held: TechnicianSkill, *, today: date) -> SafeString:
    if held.valid_until is None:
        return badge(held.skill.name, Tone.PLAIN)
    text = f"{held.skill.name} until {held.valid_until:%b %d, %Y}"
    return badge(text, Tone.CALM if held.is_valid_on(today) else Tone.ALERT)


def _shifts(technician: Technician) -> list[tuple[str, Any]]:
    rows = technician.weekly_shifts.select_related("location").order_by(
        "weekday", "starts", "pk"
    )
    return [
        (
            Weekday(row.weekday).label,
            f"{row.starts:%H:%M}\N{EN DASH}{row.ends:%H:%M}"
            + (" on call" if row.kind == "on_call" else "")
            + (
                f" at {row.location.name}"
                if row.location_id != technician.location_id
                else ""
            ),
        )
        for row in rows
    ]


def _absences(technician: Technician, *, today: date) -> list[tuple[str, Any]]:
    zone = technician.location.time_zone
    away = technician.time_offs.filter(ends_at__gt=timezone.now()).order_by("starts_at")
    days = technician.shift_exceptions.filter(date__gte=today).order_by("date")
    found = [
        (
            row.reason or "Away",
            moment_text(row.starts_at, zone=zone)
            + " until "
            + moment_text(row.ends_at, zone=zone),
        )
        for row in away[:_MOST]
    ]
    found += [(row.reason or "Other hours", str(row)) for row in days[:_MOST]]
    return found or [("Nothing", "No absence ahead.")]
