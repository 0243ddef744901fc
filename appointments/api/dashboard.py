"""How the branches stand, today and in the days to come."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from appointments.selectors.dashboard import (
    BranchFigures,
    DayFigures,
    branch_figures,
)
from core.api.actors import actor_of
from core.api.schema import MORE_PROBLEMS
from core.api.serializers import DayField, StrictSerializer, checked_query
from core.errors import NotFound

MOST_DAYS = 31


class DashboardInput(StrictSerializer):
    """From which local day on, for how many days, and of which branch."""

    date = DayField(required=False, help_text="The first day; each branch's today.")
    days = serializers.IntegerField(required=False, min_value=1, max_value=MOST_DAYS)
    location = serializers.UUIDField(required=False, help_text="All that you see.")


class _RevenueOutput(serializers.Serializer):
    currency = serializers.CharField()
    booked_cents = serializers.IntegerField()
    done_cents = serializers.IntegerField()


class _DayOutput(serializers.Serializer):
    date = serializers.DateField()
    visits = serializers.IntegerField(help_text="But those that were cancelled.")
    statuses = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many are in each status."
    )
    unassigned = serializers.IntegerField()
    late = serializers.IntegerField(
        help_text="The promised window has passed, and nobody is there."
    )
    revenue = _RevenueOutput(many=True)
    planned_minutes = serializers.IntegerField(
        help_text="Technicians' time that visits take, buffers included."
    )
    worked_minutes = serializers.IntegerField(
        help_text="The same of technicians who are done."
    )
    shift_minutes = serializers.IntegerField(
        help_text="Technicians' time that regular shifts offer."
    )
    load_percent = serializers.IntegerField()


class _BranchOutput(serializers.Serializer):
    id = serializers.UUIDField()
    code = serializers.SlugField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    days = _DayOutput(many=True)


class DashboardOutput(serializers.Serializer):
    """The figures of each branch's days, as of `computed_at`."""

    computed_at = serializers.DateTimeField()
    locations = _BranchOutput(many=True)


class DashboardView(APIView):
    """The figures of the day."""

    policy = "dashboard.retrieve"

    @extend_schema(
        parameters=[DashboardInput],
        responses=DashboardOutput,
        extensions={MORE_PROBLEMS: ["404"]},  # a branch out of sight
    )
    def get(self, request: Request) -> Response:
        """Show how each branch's days stand: by default its next seven."""
        asked, now = checked_query(DashboardInput, request), timezone.now()
        branches = branch_figures(
            actor=actor_of(request),
            now=now,
            first_day=asked.get("date"),
            days=asked.get("days", 7),
            location_id=asked.get("location"),
        )
        if "location" in asked and not branches:
            raise NotFound
        return Response(_answer(branches, now=now))


def _answer(branches: list[BranchFigures], *, now: datetime) -> dict[str, Any]:
    return {
        "computed_at": now.isoformat(),
        "locations": [
            {
                "id": branch.id,
                "code": branch.code,
                "name": branch.name,
                "time_zone": branch.zone.key,
                "days": [_day(figures) for figures in branch.days],
            }
            for branch in branches
        ],
    }


def _day(figures: DayFigures) -> dict[str, Any]:
    return {
        "date": figures.day.isoformat(),
        "visits": figures.visits,
        "statuses": figures.by_status,
        "unassigned": figures.unassigned,
        "late": figures.late,
        "revenue": [
            {
                "currency": currency,
                "booked_cents": revenue.booked,
                "done_cents": revenue.done,
            }
            for currency, revenue in sorted(figures.revenue.items())
        ],
        "planned_minutes": figures.planned_minutes,
        "worked_minutes": figures.worked_minutes,
        "shift_minutes": figures.shift_minutes,
        "load_percent": figures.load.percent,
    }
