"""The admin's first page: how the day looks at seven in the morning."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from appointments.admin import looks
from appointments.models import Appointment
from appointments.selectors.crew_days import CrewDay, crew_days
from appointments.selectors.dashboard import DayFigures, branch_figures
from appointments.selectors.today import coming_up, needs_a_hand
from config.day_chart import chart_of
from config.waiting import failed_messages, new_leads_by_branch
from core.admin.base import actor_of
from core.admin.display import clock, day, hours_text
from core.models import Location

_MOST = 8  # of each list; the list of visits has the rest


def today_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the first page shows; the same few queries for any company."""
    actor, now = actor_of(request), timezone.now()
    visible = Location.objects.visible_to(actor).filter(is_active=True)
    branches = list(visible.order_by("name", "pk"))
    near: dict[str, Any] = {"actor": actor, "locations": branches, "now": now}
    figures = {one.id: one.days[0] for one in branch_figures(actor=actor, now=now)}
    crews = crew_days(**near)
    leads = new_leads_by_branch(actor=actor)
    return {
        **context,
        "branches": [
            _branch(
                branch,
                figures=figures[branch.pk],
                crews=crews,
                new_leads=leads.get(branch.pk, 0),
                now=now,
            )
            for branch in branches
            if branch.pk in figures  # not founded or closed in between
        ],
        "leads_of_nobody": leads.get(None, 0),
        "failed_messages": failed_messages(actor=actor),
        "needs_a_hand": [_line(one, now=now) for one in needs_a_hand(**near)[:_MOST]],
        "coming_up": [_line(one, now=now) for one in coming_up(**near)[:_MOST]],
    }


def _branch(
    branch: Location,
    *,
    figures: DayFigures,
    crews: list[CrewDay],
    new_leads: int,
    now: datetime,
) -> dict[str, Any]:
    zone = branch.time_zone
    crew = [row for row in crews if row.technician.location_id == branch.pk]
    return {
        "branch": branch,
        "counts": figures,
        "new_leads": new_leads,
        "day": day(now, zone=zone),
        "clock": f"{clock(now, zone=zone)} {now.astimezone(zone).tzname()}",
        "chart": chart_of(crew, branch=branch, now=now) if crew else None,
    }


def _line(visit: Appointment, *, now: datetime) -> dict[str, Any]:
    """Return a visit as one line of a list."""
    zone = visit.location.time_zone
    start, end = visit.window_starts_at, visit.window_ends_at
    return {
        "visit": visit,
        "hours": hours_text(start, end, zone=zone),
        "day": day(start, zone=zone),
        "crew": looks.crew(visit),
        "is_unassigned": looks.is_unassigned(visit),
        "status": looks.status_badges(visit, now=now),
    }
