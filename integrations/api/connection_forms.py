"""Connections on the wire. What is secret goes in and never comes out again."""

from typing import Any

from rest_framework import serializers

from core.api.serializers import CleanCharField, StrictSerializer
from integrations import selectors
from integrations.models import (
    Connection,
    ConnectionHealth,
    Direction,
    FieldMapping,
    Vendor,
    Winner,
)
from integrations.services import inbound_url

FASTEST = 1000.0
_MOST_ROWS = 300


class Answers(serializers.DictField):
    """Answers to a vendor's questions, by name; an empty one takes it away."""

    child = CleanCharField(max_length=2000, allow_blank=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


# --- In -----------------------------------------------------------------------


class _Changeable(StrictSerializer):
    """What a person decides about a connection."""

    settings = Answers(help_text="What may be seen: see the vendor's questions.")
    hosts = Answers(
        help_text="Base URLs to call instead of the vendor's usual ones, by name."
    )
    credentials = Answers(write_only=True, help_text="Never shown again.")
    location = serializers.UUIDField(required=False, allow_null=True)
    calls_per_second = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=0.01,
        max_value=FASTEST,
        help_text="Our pace, where it is not the usual: 80 % of the vendor's limit.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Keep hosts where connectors look for them: among the settings."""
        if "hosts" in attrs:
            hosts = {name: url for name, url in attrs.pop("hosts").items() if url}
            attrs["settings"] = {**attrs.get("settings", {}), "hosts": hosts}
        return attrs


class ConnectionInput(_Changeable):
    """A vendor to connect: for the company, or for one branch."""

    vendor = serializers.ChoiceField(choices=Vendor.choices)
    name = CleanCharField(max_length=80)
    inbound_secret = CleanCharField(
        required=False,
        max_length=200,
        write_only=True,
        help_text="What signs callbacks, where the vendor has made it.",
    )


class ConnectionChanges(_Changeable):
    """What may be changed; what is left out stays."""

    name = CleanCharField(required=False, max_length=80)


class PauseInput(StrictSerializer):
    """Why nothing goes to the vendor for now."""

    reason = CleanCharField(required=False, max_length=500, allow_blank=True)


class ReauthoriseInput(StrictSerializer):
    """New credentials; those left out stay."""

    credentials = Answers(write_only=True)


class SecretInput(StrictSerializer):
    """The new secret that signs callbacks, where the vendor has made it."""

    secret = CleanCharField(required=False, max_length=200, write_only=True)


class MappingInput(StrictSerializer):
    """One field of ours at the vendor."""

    object_type = serializers.SlugField(max_length=30)
    field = CleanCharField(max_length=60)
    remote = CleanCharField(max_length=120)
    direction = serializers.ChoiceField(choices=Direction.choices, default="both")
    winner = serializers.ChoiceField(choices=Winner.choices, default="ours")
    choices = Answers(help_text="Values, ours to theirs.")


class MappingsInput(StrictSerializer):
    """The whole mapping of a connection; a field left out is not synced."""

    mappings = serializers.ListField(child=MappingInput(), max_length=_MOST_ROWS)


# --- Out ----------------------------------------------------------------------


class HealthOutput(serializers.ModelSerializer):
    """How a connection is doing."""

    class Meta:
        model = ConnectionHealth
        fields = (
            "breaker",
            "reopens_at",
            "failures_in_row",
            "failing_since",
            "last_success_at",
            "last_failure_at",
            "last_error",
            "last_inbound_at",
        )


class ConnectionOutput(serializers.ModelSerializer):
    """A connection. Of its credentials only their names are told."""

    settings = serializers.SerializerMethodField()
    hosts = serializers.SerializerMethodField()
    credentials_set = serializers.SerializerMethodField()
    health = HealthOutput()

    class Meta:
        model = Connection
        fields = (
            "id",
            "vendor",
            "name",
            "location",
            "settings",
            "hosts",
            "credentials_set",
            "calls_per_second",
            "state",
            "attention",
            "previous_secret_until",
            "health",
            "version",
            "created_at",
            "updated_at",
        )

    def get_settings(self, connection: Connection) -> dict[str, str]:
        return {
            name: value
            for name, value in connection.settings.items()
            if name != "hosts"
        }

    def get_hosts(self, connection: Connection) -> dict[str, str]:
        hosts: dict[str, str] = connection.settings.get("hosts", {})
        return hosts

    def get_credentials_set(self, connection: Connection) -> list[str]:
        return selectors.credentials_set(connection)


class ConnectionDetail(ConnectionOutput):
    """A connection with the URL that its vendor is to call: keep it to yourself."""

    inbound_url = serializers.SerializerMethodField()

    class Meta(ConnectionOutput.Meta):
        fields = (*ConnectionOutput.Meta.fields, "inbound_url")  # type: ignore[assignment]  # one longer

    def get_inbound_url(self, connection: Connection) -> str:
        return inbound_url(connection)


class ConnectionWithSecret(ConnectionDetail):
    """A connection with the secret that signs callbacks, shown this once."""

    class Meta(ConnectionDetail.Meta):
        fields = (*ConnectionDetail.Meta.fields, "inbound_secret")  # type: ignore[assignment]  # one longer


class CheckOutput(serializers.Serializer):
    """What the vendor said when it was asked whether it knows us."""

    ok = serializers.BooleanField(source="is_ok")
    said = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)


class MappingOutput(serializers.ModelSerializer):
    """One field of ours at the vendor."""

    choices = serializers.DictField()

    class Meta:
        model = FieldMapping
        fields = ("object_type", "field", "remote", "direction", "winner", "choices")


class MappingsOutput(serializers.Serializer):
    """The mapping of a connection, by kind of thing."""

    mappings = MappingOutput(many=True)


class QuestionOutput(serializers.Serializer):
    """A setting, or where it `is_secret` a credential, that a vendor needs."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    is_secret = serializers.BooleanField()
    is_required = serializers.BooleanField()
    default = serializers.CharField()
    help = serializers.CharField()


class VendorOutput(serializers.Serializer):
    """A vendor that can be connected, and what it has to be told."""

    vendor = serializers.CharField()
    name = serializers.CharField()
    questions = QuestionOutput(many=True)
    hosts = serializers.DictField(child=serializers.CharField())
    calls_per_second = serializers.FloatField()


class VendorsOutput(serializers.Serializer):
    """All vendors that can be connected."""

    vendors = VendorOutput(many=True)
