"""Changes of the roster over HTTP: what a caller says of booked visits (R13)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import StrictSerializer
from core.roster import OnConflict, rehearse


class RosterChange(StrictSerializer):
    """What becomes of booked visits that could not be kept after the change.

    `reject` refuses it with the list; `unassign` takes the technicians off these
    visits for a dispatcher to look at, and tells no customer. With `dry_run` the
    list is answered, whatever is on it, and nothing is stored.
    """

    on_conflict = serializers.ChoiceField(
        choices=[one.value for one in OnConflict], required=False
    )
    dry_run = serializers.BooleanField(required=False)


class StrandedVisitOutput(serializers.Serializer):
    """A visit that could not be kept, and why, by the wall clock of its branch."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    starts_at = serializers.DateTimeField()
    time_zone = serializers.CharField()
    technician = serializers.UUIDField()
    reason = serializers.CharField()


class RehearsalOutput(serializers.Serializer):
    """What the change would strand; nothing was stored. `total` counts them all."""

    conflicts = StrandedVisitOutput(many=True)
    total = serializers.IntegerField()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller said of conflicts."""

    on_conflict: OnConflict
    dry_run: bool

    @classmethod
    def taken_out_of(cls, form: dict[str, Any]) -> "Wanted":
        """Return it, and leave in the checked form what is of the change itself."""
        return cls(
            on_conflict=OnConflict(form.pop("on_conflict", OnConflict.REJECT)),
            dry_run=form.pop("dry_run", False),
        )

    @classmethod
    def asked_in(cls, request: Request) -> "Wanted":
        """Return it from the query of a request that has no body."""
        form = RosterChange(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        return cls.taken_out_of(form.validated_data)

    def answer(self, change: Callable[..., Response]) -> Response:
        """Let `change(on_conflict=...)` be made and answered, or only rehearsed."""
        if self.dry_run:
            return Response(rehearse(lambda: change(on_conflict=OnConflict.REJECT)))
        return change(on_conflict=self.on_conflict)


def or_rehearsal(output: type[serializers.Serializer]) -> Any:
    """Describe an answer that is `output`, or what a rehearsal found."""
    name = output.__name__.removesuffix("Output")
    return PolymorphicProxySerializer(
        component_name=f"{name}OrRehearsal",
        serializers=[output, RehearsalOutput],
        resource_type_field_name=None,
    )
