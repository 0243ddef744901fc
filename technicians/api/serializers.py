"""Technicians on the wire: what comes in, and what goes out."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import BranchTimeField, MomentField
from core.api.roster import RosterChange
from core.api.serializers import (
    CleanCharField,
    CleanEmailField,
    DayField,
    StrictSerializer,
)
from core.models.company import Weekday
from core.text import normalise_phone
from technicians.models import (
    ShiftException,
    ShiftKind,
    Skill,
    Technician,
    TechnicianSkill,
    TimeOff,
    WeeklyShift,
)

_MOST_ROWS = 100  # skills, zones or shifts of one technician

# --- In -----------------------------------------------------------------------


class PhoneField(CleanCharField):
    """A phone that could ring; E.164 when checked."""

    default_error_messages = {"phone": "No such phone."}

    def to_internal_value(self, data: Any) -> str:
        given = super().to_internal_value(data)
        phone = normalise_phone(given, region=settings.DEFAULT_PHONE_REGION)
        if phone is None:
            self.fail("phone")
        return phone


class TechnicianFields(StrictSerializer):
    """What is known of somebody who does visits."""

    name = CleanCharField(required=False, max_length=100)
    location = serializers.UUIDField(required=False)
    phone = PhoneField(required=False, max_length=60, allow_blank=True)
    email = CleanEmailField(required=False, max_length=254, allow_blank=True)
    user = serializers.UUIDField(required=False, allow_null=True)
    home_latitude = serializers.FloatField(
        required=False, min_value=-90, max_value=90, allow_null=True
    )
    home_longitude = serializers.FloatField(
        required=False, min_value=-180, max_value=180, allow_null=True
    )
    zones = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=_MOST_ROWS
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        pair = [attrs.get(name, "") for name in ("home_latitude", "home_longitude")]
        if len({"left out" if v == "" else v is None for v in pair}) > 1:
            raise serializers.ValidationError("Give both coordinates, or none.")
        return attrs


class TechnicianChanges(TechnicianFields, RosterChange):
    """What may be changed; what is left out stays. Null clears.

    Where `zones` is empty, the whole area of the shift's branch is served.
    """


class TechnicianInput(TechnicianFields):
    """Somebody who does visits. `location` is the home branch."""

    name = CleanCharField(max_length=100)
    location = serializers.UUIDField()


class SkillGrantInput(StrictSerializer):
    """A skill, and the last day on which its certificate holds (null: for good)."""

    skill = serializers.SlugField(max_length=40, help_text="Code of a skill.")
    valid_until = DayField(required=False, allow_null=True)


class SkillsInput(RosterChange):
    """All the skills that a technician has."""

    skills = serializers.ListField(child=SkillGrantInput(), max_length=_MOST_ROWS)


class WeeklyShiftInput(StrictSerializer):
    """A shift that returns each week; it may cross midnight (ends <= starts)."""

    location = serializers.UUIDField()
    weekday = serializers.ChoiceField(choices=Weekday.choices)
    starts = serializers.TimeField()
    ends = serializers.TimeField()
    kind = serializers.ChoiceField(choices=ShiftKind.choices, required=False)
    valid_from = DayField(required=False, allow_null=True)
    valid_until = DayField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("valid_from"), attrs.get("valid_until")
        if first and last and last < first:
            raise serializers.ValidationError(
                {"valid_until": ["Must not be before valid_from."]}
            )
        return attrs


class WeeklyShiftsInput(RosterChange):
    """All the weekly shifts of a technician."""

    shifts = serializers.ListField(child=WeeklyShiftInput(), max_length=_MOST_ROWS)


class ShiftExceptionInput(RosterChange):
    """Other hours on one day; without hours (and location) the day is off."""

    date = DayField()
    location = serializers.UUIDField(required=False)
    starts = serializers.TimeField(required=False)
    ends = serializers.TimeField(required=False)
    kind = serializers.ChoiceField(choices=ShiftKind.choices, required=False)
    reason = CleanCharField(required=False, max_length=200, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name in attrs for name in ("location", "starts", "ends")}
        if len(given) > 1:
            raise serializers.ValidationError(
                "Give location, starts and ends, or none of them."
            )
        return attrs


class TimeOffInput(RosterChange):
    """An absence in [starts_at, ends_at)."""

    starts_at = MomentField()
    ends_at = MomentField()
    reason = CleanCharField(required=False, max_length=200, allow_blank=True)


# --- Out ----------------------------------------------------------------------


class SkillOutput(serializers.ModelSerializer[Skill]):
    """Something a service may ask for."""

    class Meta:
        model = Skill
        fields = ("id", "code", "name")
        read_only_fields = fields


class HeldSkillOutput(serializers.ModelSerializer[TechnicianSkill]):
    """A skill that a technician has, and the last day on which it holds."""

    code = serializers.SlugField(source="skill.code")
    name = serializers.CharField(source="skill.name")

    class Meta:
        model = TechnicianSkill
        fields = ("code", "name", "valid_until")
        read_only_fields = fields


class TechnicianOutput(serializers.ModelSerializer[Technician]):
    """Somebody who does visits."""

    email = serializers.CharField()  # blank where none is known
    skills = HeldSkillOutput(source="technician_skills", many=True)

    class Meta:
        model = Technician
        fields = (
            "id",
            "name",
            "location",
            "phone",
            "email",
            "user",
            "home_latitude",
            "home_longitude",
            "zones",
            "skills",
            "is_active",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class WeeklyShiftOutput(serializers.ModelSerializer[WeeklyShift]):
    """A shift that returns each week, by the wall clock of its location."""

    class Meta:
        model = WeeklyShift
        fields = (
            "location",
            "weekday",
            "starts",
            "ends",
            "kind",
            "valid_from",
            "valid_until",
        )
        read_only_fields = fields


class WeeklyShiftsOutput(serializers.Serializer):
    """All the weekly shifts of a technician."""

    shifts = serializers.SerializerMethodField()

    @extend_schema_field(WeeklyShiftOutput(many=True))
    def get_shifts(self, technician: Technician) -> Any:
        rows = technician.weekly_shifts.order_by("weekday", "starts", "id")
        return WeeklyShiftOutput(rows, many=True).data


class ShiftExceptionOutput(serializers.ModelSerializer[ShiftException]):
    """Other hours on one day, or none."""

    class Meta:
        model = ShiftException
        fields = ("id", "date", "location", "starts", "ends", "kind", "reason")
        read_only_fields = fields


class TimeOffOutput(serializers.ModelSerializer[TimeOff]):
    """An absence, by the wall clock of the technician's home branch."""

    starts_at = BranchTimeField(branch="technician.location")
    ends_at = BranchTimeField(branch="technician.location")
    time_zone = serializers.CharField(source="technician.location.time_zone.key")

    class Meta:
        model = TimeOff
        fields = ("id", "starts_at", "ends_at", "time_zone", "reason", "created_at")
        read_only_fields = fields
