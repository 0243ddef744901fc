"""The admin's first page: how the day looks at seven in the morning."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from appointments.admin import looks
from appointments.models import Appointment
from appointments.selectors.crew_days import CrewDay, crew_days
from appointments.selectors.today import (
    DayCounts,
    coming_up,
    day_counts,
    needs_a_hand,
)
from config.day_chart import chart_of
from config.waiting import failed_messages, new_leads_by_branch
from core.admin.base import actor_of
from core.admin.display import clock, day, hours_text
from core.models import Location

_MOST = 8  # of each list; the list of visits has the rest
_NO_VISITS = {"visits": 0, "done": 0, "unassigned": 0, "under_way": 0, "late": 0}


def today_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the first page shows; the same few queries for any company."""
    actor, now = actor_of(request), timezone.now()
    visible = Location.objects.visible_to(actor).filter(is_active=True)
    branches = list(visible.order_by("name", "pk"))
    near: dict[str, Any] = {"actor": actor, "locations": branches, "now": now}
    counts = day_counts(**near)
    crews = crew_days(**near)
    leads = new_leads_by_branch(actor=actor)
    return {
        **context,
        "branches": [
            _branch(branch, counts=counts, crews=crews, leads=leads, now=now)
            for branch in branches
        ],
        "leads_of_nobody": leads.get(None, 0),
        "failed_messages": failed_messages(actor=actor),
        "needs_a_hand": [_line(one, now=now) for one in needs_a_hand(**near)[:_MOST]],
        "coming_up": [_line(one, now=now) for one in coming_up(**near)[:_MOST]],
    }


def _branch(
    branch: Location,
    *,
    counts: Mapping[UUID, DayCounts],
    crews: list[CrewDay],
    leads: Mapping[UUID | None, int],
    now: datetime,
) -> dict[str, Any]:
    zone = branch.time_zone
    crew = [row for row in crews if row.technician.location_id == branch.pk]
    return {
        "branch": branch,
        "counts": counts.get(branch.pk, _NO_VISITS),
        "new_leads": leads.get(branch.pk, 0),
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
