"""Maintenance plans on the wire: what comes in, and what goes out."""

import re
from datetime import date, time
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from appointments.api.fields import BranchTimeField, MomentField, OverrideField
from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.models.plans import OCCURRENCE_STATES, PLAN_STATES
from appointments.rules.plans import MOST_SEASONS, MonthDay, Season, Tolerance
from core.api.serializers import CleanCharField, DayField, StrictSerializer
from core.models.company import Weekday

_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_LEAP_YEAR = 2028

# --- In -----------------------------------------------------------------------


@extend_schema_field(
    {
        "type": "string",
        "pattern": r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
        "examples": ["03-01"],
        "description": "A day of every year, as month and day.",
    }
)
class MonthDayField(serializers.Field):
    """A day of every year; February 29th stands for the end of February."""

    default_error_messages = {"invalid": "Give a day of the year such as 03-01."}

    def to_internal_value(self, data: Any) -> MonthDay:
        found = _MONTH_DAY.fullmatch(data) if isinstance(data, str) else None
        if found is None:
            self.fail("invalid")
        month, day = int(found[1]), int(found[2])
        try:
            date(_LEAP_YEAR, month, day)
        except ValueError:
            self.fail("invalid")
        return MonthDay(month, day)

    def to_representation(self, value: MonthDay) -> str:
        return f"{value.month:02}-{value.day:02}"


class SeasonInput(StrictSerializer):
    """A visit that each year brings: between which days, and when at best.

    `starts` is wall time of the branch; no `weekday` means: any.
    """

    key = serializers.SlugField(max_length=20, help_text="Such as spring.")
    first = MonthDayField()
    last = MonthDayField()
    weekday = serializers.ChoiceField(
        choices=Weekday.choices, required=False, allow_null=True
    )
    starts = serializers.TimeField()

    def validate_starts(self, value: time) -> time:
        if value.second or value.microsecond:
            raise serializers.ValidationError("Give a whole minute.")
        return value


class _Agreement(StrictSerializer):
    """What may change while a plan runs."""

    technician = serializers.UUIDField(required=False, allow_null=True)
    tolerance = serializers.ChoiceField(
        choices=[tolerance.value for tolerance in Tolerance], required=False
    )
    valid_until = DayField(required=False, allow_null=True)
    notes = CleanCharField(required=False, max_length=4000, allow_blank=True)


class PlanInput(_Agreement):
    """An agreement on some visits a year at a customer's address.

    The branch follows from the address where it is not given.
    """

    property = serializers.UUIDField()
    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    location = serializers.UUIDField(required=False)
    valid_from = DayField(required=False)
    seasons = serializers.ListField(
        child=SeasonInput(), min_length=1, max_length=MOST_SEASONS
    )


class PlanChanges(_Agreement):
    """What is left out stays. `seasons` replace those there were."""

    seasons = serializers.ListField(
        child=SeasonInput(), min_length=1, max_length=MOST_SEASONS, required=False
    )


class OccurrenceBookingInput(StrictSerializer):
    """An offered start for the visit, inside of its period or not."""

    starts_at = MomentField()
    technician = serializers.UUIDField(required=False)
    override = OverrideField()
    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


def season_of(form: dict[str, Any]) -> Season:
    """Return a checked form as the rules know it."""
    return Season(**{"weekday": None} | form)


# --- Out ----------------------------------------------------------------------


class SeasonOutput(serializers.Serializer):
    """A visit that each year brings."""

    key = serializers.SlugField()
    first = MonthDayField(source="rule.first")
    last = MonthDayField(source="rule.last")
    weekday = serializers.ChoiceField(choices=Weekday.choices, allow_null=True)
    starts = serializers.TimeField()


class _PlanParty(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class _PlanService(serializers.Serializer):
    code = serializers.SlugField()
    name = serializers.CharField()


class _PlanAddress(serializers.Serializer):
    id = serializers.UUIDField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()


class PlanOutput(serializers.ModelSerializer[MaintenancePlan]):
    """A maintenance plan."""

    state = serializers.ChoiceField(choices=PLAN_STATES)
    location = _PlanParty()
    time_zone = serializers.CharField(source="location.time_zone.key", read_only=True)
    customer = _PlanParty()
    property = _PlanAddress()
    service = _PlanService()
    technician = _PlanParty(allow_null=True)
    tolerance = serializers.ChoiceField(choices=[each.value for each in Tolerance])
    seasons = serializers.SerializerMethodField()

    class Meta:
        model = MaintenancePlan
        fields = (
            "id",
            "reference",
            "state",
            "version",
            "location",
            "time_zone",
            "customer",
            "property",
            "service",
            "technician",
            "tolerance",
            "valid_from",
            "valid_until",
            "seasons",
            "notes",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(SeasonOutput(many=True))
    def get_seasons(self, plan: MaintenancePlan) -> Any:
        # Of a page they are prefetched: put in order here, not by another query.
        seasons = sorted(plan.seasons.all(), key=lambda each: each.rule.first)
        return SeasonOutput(seasons, many=True).data


class _BookedVisit(serializers.Serializer):
    id = serializers.UUIDField()
    reference = serializers.CharField()
    status = serializers.CharField()
    window_starts_at = BranchTimeField()
    window_ends_at = BranchTimeField()


class OccurrenceOutput(serializers.ModelSerializer[PlanOccurrence]):
    """What became of one period: days are local, `last_day` is included.

    `alternatives` are starts that were on offer when it was last tried, but beyond
    the plan's tolerance.
    """

    state = serializers.ChoiceField(choices=OCCURRENCE_STATES)
    plan = serializers.UUIDField(source="plan_id")
    alternatives = serializers.ListField(child=serializers.DateTimeField())
    tried_at = BranchTimeField(branch="plan.location", allow_null=True)
    appointment = _BookedVisit(allow_null=True)

    class Meta:
        model = PlanOccurrence
        fields = (
            "id",
            "plan",
            "period",
            "state",
            "version",
            "reason",
            "note",
            "first_day",
            "last_day",
            "weekday",
            "starts",
            "alternatives",
            "tried_at",
            "appointment",
        )
