"""What users and sessions look like on the wire."""

from typing import Any

from rest_framework import serializers

from accounts.models import ROLE_CHOICES, User
from core.actors import Role
from core.api.serializers import CleanCharField, CleanEmailField, StrictSerializer
from core.models import Location

_MAX_PASSWORD = 256
_MAX_BRANCHES = 100


class PasswordField(serializers.CharField):
    """A password, taken as it is: a blank at its end counts."""

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "trim_whitespace": False,
            "max_length": _MAX_PASSWORD,
            "write_only": True,
            "style": {"input_type": "password"},
        }
        super().__init__(**defaults | kwargs)


class LoginInput(StrictSerializer):
    """E-mail and password."""

    email = CleanEmailField(max_length=254)
    password = PasswordField()


class RefreshInput(StrictSerializer):
    """The refresh token of the last answer."""

    refresh = serializers.CharField(max_length=768)


class OwnPasswordInput(StrictSerializer):
    """The present password and the one to come."""

    current = PasswordField()
    password = PasswordField(min_length=12)


class TokenOutput(serializers.Serializer):
    """A fresh pair of tokens. `expires_in` is the access token's life in seconds."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    token_type = serializers.CharField(read_only=True)
    expires_in = serializers.IntegerField(read_only=True)


class BranchOutput(serializers.ModelSerializer):
    """A branch, in short."""

    time_zone = serializers.CharField(source="time_zone.key", read_only=True)

    class Meta:
        model = Location
        fields = ("id", "code", "name", "time_zone")
        read_only_fields = fields


class UserOutput(serializers.ModelSerializer):
    """A user, with the branches they belong to."""

    locations = BranchOutput(many=True, read_only=True)

    class Meta:
        model = User
        fields: tuple[str, ...] = (
            "id",
            "email",
            "name",
            "role",
            "locations",
            "is_active",
            "last_login",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields: tuple[str, ...] = fields


class MeOutput(UserOutput):
    """The caller; `technician_id` tells a technician who they are there."""

    technician_id = serializers.UUIDField(
        source="technician_pk", read_only=True, allow_null=True
    )

    class Meta(UserOutput.Meta):
        fields = (*UserOutput.Meta.fields, "technician_id")
        read_only_fields = fields


class RoleField(serializers.ChoiceField):
    """What a user is to the company."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=ROLE_CHOICES, **kwargs)

    def to_internal_value(self, data: Any) -> Role:
        return Role(super().to_internal_value(data))


class UserChanges(StrictSerializer):
    """What may be changed; what is left out stays."""

    name = CleanCharField(max_length=100, required=False)
    role = RoleField(required=False)
    locations = serializers.ListField(
        child=serializers.UUIDField(),
        source="location_ids",
        max_length=_MAX_BRANCHES,
        required=False,
    )


class UserInput(StrictSerializer):
    """A new user."""

    email = CleanEmailField(max_length=254)
    name = CleanCharField(max_length=100)
    role = RoleField()
    password = PasswordField(min_length=12)
    locations = serializers.ListField(
        child=serializers.UUIDField(),
        source="location_ids",
        max_length=_MAX_BRANCHES,
        default=list,
    )


class PasswordInput(StrictSerializer):
    """A password that an admin gives to somebody who lost theirs."""

    password = PasswordField(min_length=12)
