"""Customers and their properties on the wire."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import CleanCharField, StrictSerializer
from core.text import normalise_email, normalise_phone
from leads.models import ConsentAction, ContactKind, ContactMethod, Customer, Property
from leads.rules.contacts import is_email

_MOST_CONTACTS = 20
_WORD = serializers.ChoiceField(ConsentAction.choices, allow_null=True)

# --- In -----------------------------------------------------------------------


class ContactInput(StrictSerializer):
    """A phone or an e-mail."""

    kind = serializers.ChoiceField(choices=ContactKind.choices)
    value = CleanCharField(max_length=254)

    def validate(self, attrs: dict[str, Any]) -> tuple[ContactKind, str]:
        if attrs["kind"] == ContactKind.PHONE:
            phone = normalise_phone(
                attrs["value"], region=settings.DEFAULT_PHONE_REGION
            )
            if phone is None:
                raise serializers.ValidationError({"value": ["No such phone."]})
            return ContactKind.PHONE, phone
        email = normalise_email(attrs["value"])
        if not is_email(email):
            raise serializers.ValidationError({"value": ["Not an e-mail address."]})
        return ContactKind.EMAIL, email


class CustomerInput(StrictSerializer):
    """A customer. The first contact of a kind is the primary one."""

    name = CleanCharField(max_length=120)
    notes = CleanCharField(required=False, max_length=2000, allow_blank=True)
    contact_methods = serializers.ListField(
        child=ContactInput(),
        source="contacts",
        max_length=_MOST_CONTACTS,
        default=list,
    )


class CustomerChanges(StrictSerializer):
    """What may be changed; contact methods that are given replace all there were."""

    name = CleanCharField(required=False, max_length=120)
    notes = CleanCharField(required=False, max_length=2000, allow_blank=True)
    contact_methods = serializers.ListField(
        child=ContactInput(),
        source="contacts",
        max_length=_MOST_CONTACTS,
        required=False,
    )


class PropertyInput(StrictSerializer):
    """An address; the ZIP tells city, state and coordinates where they are missing."""

    line1 = CleanCharField(max_length=200)
    line2 = CleanCharField(required=False, max_length=100, allow_blank=True)
    city = CleanCharField(required=False, max_length=100, allow_blank=True)
    region = CleanCharField(required=False, max_length=50, allow_blank=True)
    postal_code = CleanCharField(max_length=20)
    latitude = serializers.FloatField(required=False, min_value=-90, max_value=90)
    longitude = serializers.FloatField(required=False, min_value=-180, max_value=180)
    access_notes = CleanCharField(required=False, max_length=500, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("latitude" in attrs) != ("longitude" in attrs):
            raise serializers.ValidationError("Give both coordinates, or none.")
        return attrs


# --- Out ----------------------------------------------------------------------


class ContactOutput(serializers.ModelSerializer[ContactMethod]):
    """A phone (E.164) or an e-mail; messages go to the primary one of a kind.

    `service` and `marketing` are their last word on messages about their visits, and
    on advertising; null where they were not asked.
    """

    service = serializers.SerializerMethodField()
    marketing = serializers.SerializerMethodField()

    class Meta:
        model = ContactMethod
        fields = ("kind", "value", "is_primary", "service", "marketing")
        read_only_fields = fields

    @extend_schema_field(_WORD)
    def get_service(self, contact: Any) -> str | None:
        return contact.service or None

    @extend_schema_field(_WORD)
    def get_marketing(self, contact: Any) -> str | None:
        return contact.marketing or None


class PropertyOutput(serializers.ModelSerializer[Property]):
    """A service address. Estimated coordinates are the middle of its ZIP.

    `located_by` is the map that found it; `location_problem` says why none could.
    """

    class Meta:
        model = Property
        fields = (
            "id",
            "customer",
            "line1",
            "line2",
            "city",
            "region",
            "postal_code",
            "latitude",
            "longitude",
            "is_location_estimated",
            "located_at",
            "located_by",
            "location_problem",
            "access_notes",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class CustomerOutput(serializers.ModelSerializer[Customer]):
    """A person or household, how they are reached and where visits go."""

    contact_methods = ContactOutput(many=True)
    properties = PropertyOutput(many=True)

    class Meta:
        model = Customer
        fields = (
            "id",
            "name",
            "notes",
            "contact_methods",
            "properties",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields
