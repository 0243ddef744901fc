"""How plans, and the visits of their periods, look at a desk."""

from calendar import month_abbr
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from appointments.admin import looks
from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.models.plans import FELL_THROUGH
from appointments.rules.plans import OccurrenceState, PlanState
from core.admin.display import Tone, badge, link, moment_text, window_text
from core.admin.history import MOST, Entry, Titles, entry_of
from core.models import Event
from core.models.company import Weekday

STATES = {
    PlanState.ACTIVE: Tone.ACTIVE,
    PlanState.PAUSED: Tone.WAITING,
    PlanState.ENDED: Tone.DONE,
}
_OCCURRENCES = {
    OccurrenceState.DUE: Tone.PLAIN,
    OccurrenceState.BOOKED: Tone.CALM,
    OccurrenceState.CONFLICT: Tone.ALERT,
    OccurrenceState.SKIPPED: Tone.PLAIN,
    OccurrenceState.DONE: Tone.DONE,
}
_TITLES: Titles = {
    "plan.created": ("Agreed on", Tone.ACTIVE),
    "plan.updated": ("Changed", Tone.PLAIN),
    "plan.ended": ("Ended", Tone.DONE),
    "plan.occurrence_booked": ("Visit booked", Tone.CALM),
    "plan.occurrence_conflict": ("No time found", Tone.ALERT),
    "plan.occurrence_skipped": ("Visit skipped", Tone.WAITING),
    "plan.occurrence_due": ("To be booked again", Tone.PLAIN),
    "plan.occurrence_done": ("Visit done", Tone.DONE),
}


def history(plan: MaintenancePlan) -> list[Entry]:
    """Return the plan's last steps, the latest first, each with its period."""
    zone = plan.location.time_zone
    latest = Event.objects.of("plan", plan.pk).order_by("-number")[:MOST]
    return [
        entry_of(event, titles=_TITLES, zone=zone, changes=_changes(event))
        for event in latest
    ]


def _changes(event: Event) -> list[str]:
    occurrence = event.data.get("occurrence")
    if occurrence is None:
        return []
    reason = looks.words(occurrence["reason"]).lower()
    return [f"{occurrence['period']}: {reason}" if reason else occurrence["period"]]


def url_of(occurrence: PlanOccurrence) -> str:
    """Return the address of the occurrence's own page."""
    return reverse("admin:appointments_planoccurrence_change", args=[occurrence.pk])


def customer_link(plan: MaintenancePlan) -> SafeString:
    """Return the customer, leading to his page."""
    url = reverse("admin:leads_customer_change", args=[plan.customer_id])
    return link(url, plan.customer.name)


def state_badge(occurrence: PlanOccurrence) -> SafeString:
    """Return the state, and why it is so."""
    fell_through = occurrence.reason in FELL_THROUGH
    tone = (
        Tone.ALERT if fell_through else _OCCURRENCES[OccurrenceState(occurrence.state)]
    )
    text = occurrence.state.capitalize()
    if occurrence.reason:
        text = f"{text}: {looks.words(occurrence.reason).lower()}"
    return badge(text, tone)


def visit_link(occurrence: PlanOccurrence) -> SafeString | str:
    """Return the booked visit, leading to its page."""
    visit = occurrence.appointment
    if visit is None:
        return "-"
    zone = occurrence.plan.location.time_zone
    when = window_text(visit.window_starts_at, visit.window_ends_at, zone=zone)
    url = reverse("admin:appointments_appointment_change", args=[visit.pk])
    return link(url, f"{visit.reference}, {when}")


def alternatives(occurrence: PlanOccurrence) -> SafeString | str:
    """Return what was on offer beyond the tolerance, a line each."""
    zone = occurrence.plan.location.time_zone
    moments = map(datetime.fromisoformat, occurrence.alternatives)
    lines = [(moment_text(moment, zone=zone),) for moment in moments]
    return format_html_join(mark_safe("<br>"), "{}", lines) if lines else "-"


def season_text(season: Any) -> str:
    """Return a season as spring (Mar 1 to Apr 30, Tuesday, 08:00)."""
    first = f"{month_abbr[season.first_month]} {season.first_day}"
    last = f"{month_abbr[season.last_month]} {season.last_day}"
    wish = wish_text(season.weekday, season.starts)
    return f"{season.key} ({first} to {last}, {wish})"


def wish_text(weekday: int | None, starts: Any) -> str:
    """Return what a season asks for at best."""
    day = "any day" if weekday is None else str(Weekday(weekday).label)
    return f"{day}, {starts:%H:%M}"
