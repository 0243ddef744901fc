"""Leads on the wire: what comes in, and what goes out."""

from typing import Any, ClassVar

from rest_framework import serializers

from core.api.serializers import CleanCharField, StrictSerializer
from leads.models import Lead, LeadFlag
from leads.services import issue_booking_token

# --- In -----------------------------------------------------------------------


class LeadFields(StrictSerializer):
    """What is written down of a wish.

    `service` is the code of a service; `source` says where the wish comes from.
    """

    name = CleanCharField(max_length=120)
    phone = CleanCharField(required=False, max_length=60, allow_blank=True)
    email = CleanCharField(required=False, max_length=254, allow_blank=True)
    line1 = CleanCharField(required=False, max_length=200, allow_blank=True)
    line2 = CleanCharField(required=False, max_length=100, allow_blank=True)
    city = CleanCharField(required=False, max_length=100, allow_blank=True)
    region = CleanCharField(required=False, max_length=50, allow_blank=True)
    postal_code = CleanCharField(required=False, max_length=20, allow_blank=True)
    service = serializers.SlugField(
        required=False, max_length=40, allow_blank=True, source="service_code"
    )
    message = CleanCharField(required=False, max_length=4000, allow_blank=True)
    source = serializers.SlugField(  # type: ignore[assignment]  # a field, not ours
        required=False, max_length=40
    )


class LeadInput(LeadFields):
    """A wish for a visit. Only the name is required: odd values are kept, and flagged.

    `service` is the code of a service; `source` says where the wish comes from.
    `marketing_consent` is their answer to whether advertising may be sent to the phone
    and e-mail they give, and `consent_text_version` names the words that they read. A
    no takes back an earlier yes: leave it out where they were not asked.
    """

    marketing_consent = serializers.BooleanField(required=False)
    consent_text_version = CleanCharField(
        required=False, max_length=60, allow_blank=True
    )


class LeadChanges(LeadFields):
    """What may be corrected; what is left out stays.

    A `location` that is named counts for more than the one that serves the ZIP.
    """

    name = CleanCharField(required=False, max_length=120)
    phone = CleanCharField(
        required=False, max_length=60, allow_blank=True, source="phone_given"
    )
    location = serializers.UUIDField(required=False)


class DismissalInput(StrictSerializer):
    """Why nothing comes of it."""

    reason = CleanCharField(max_length=500)


# --- Out ----------------------------------------------------------------------


class LeadOutput(serializers.ModelSerializer[Lead]):
    """A wish, with what we made out of it. `phone` is E.164, or blank."""

    service = serializers.CharField(source="service_code")  # blank where none is wished
    flags = serializers.ListField(child=serializers.ChoiceField(LeadFlag.choices))

    class Meta:
        model = Lead
        fields: tuple[str, ...] = (
            "id",
            "reference",
            "status",
            "source",
            "flags",
            "name",
            "phone",
            "phone_given",
            "email",
            "line1",
            "line2",
            "city",
            "region",
            "postal_code",
            "service",
            "message",
            "location",
            "customer",
            "dismissed_at",
            "dismissal_reason",
            "converted_at",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class PublicLeadOutput(serializers.ModelSerializer[Lead]):
    """A wish as its visitor sees it, with the key to book it.

    It says nothing of whom we know: what was sent, and what is wrong with it.
    """

    phone = serializers.CharField(source="phone_given")
    service = serializers.CharField(source="service_code")
    flags = serializers.SerializerMethodField()
    booking_token = serializers.SerializerMethodField()

    PRIVATE_FLAGS: ClassVar[set[str]] = {LeadFlag.POSSIBLE_DUPLICATE}

    class Meta:
        model = Lead
        fields = (
            "id",
            "reference",
            "status",
            "flags",
            "name",
            "phone",
            "email",
            "line1",
            "line2",
            "city",
            "region",
            "postal_code",
            "service",
            "message",
            "source",
            "booking_token",
        )
        read_only_fields = fields

    def get_flags(self, lead: Lead) -> list[str]:
        return [flag for flag in lead.flags if flag not in self.PRIVATE_FLAGS]

    def get_booking_token(self, lead: Lead) -> str:
        return issue_booking_token(lead)


def lead_output(lead: Lead, *, is_staff: bool) -> dict[str, Any]:
    """Return the lead as staff or as its visitor sees it."""
    output = LeadOutput(lead) if is_staff else PublicLeadOutput(lead)
    return dict(output.data)
