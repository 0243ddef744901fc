"""Holds over HTTP: keep a slot, look at it, let it go."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from appointments import services
from appointments.api.availability import service_of
from appointments.api.fields import BranchTimeField, MomentField, arrival_text
from appointments.api.tokens import HOLD_TOKEN, hold_token_of
from appointments.api.views import lead_id_of
from appointments.models import BookingMode, Hold
from appointments.services import HoldRequest
from core.actors import Actor
from core.api.actors import actor_of
from core.api.schema import MORE_PROBLEMS
from core.api.serializers import StrictSerializer
from core.api.throttling import client_address
from core.db import retry_contention

_MAY_BE_OVER = {MORE_PROBLEMS: ["410"]}


class HoldInput(StrictSerializer):
    """Which offered slot to keep.

    `visitor` is what the answer to one's first hold named, or an id of one's own
    making: a visitor keeps one slot, and a new hold replaces the one before.
    """

    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    postal_code = serializers.CharField(max_length=10)
    starts_at = MomentField(help_text="The start of an offered slot.")
    technician = serializers.UUIDField(required=False, help_text="Staff only.")
    lead = serializers.UUIDField(required=False)
    booking_token = serializers.CharField(required=False, max_length=200)
    visitor = serializers.UUIDField(required=False)


class HoldOutput(serializers.ModelSerializer[Hold]):
    """A slot that is kept until `expires_at`."""

    service = serializers.SlugField(source="service.code")
    visitor = serializers.SerializerMethodField()
    starts_at = BranchTimeField(source="window_starts_at")
    ends_at = serializers.SerializerMethodField()
    display = serializers.SerializerMethodField()
    expires_at = BranchTimeField()
    time_zone = serializers.CharField(source="location.time_zone.key", read_only=True)

    class Meta:
        model = Hold
        fields: tuple[str, ...] = (
            "id",
            "visitor",
            "service",
            "postal_code",
            "starts_at",
            "ends_at",
            "display",
            "expires_at",
            "time_zone",
        )

    def get_visitor(self, hold: Hold) -> UUID | None:
        """Who holds it; null for a lead."""
        return None if hold.lead_id else UUID(hold.visitor)

    def get_ends_at(self, hold: Hold) -> str:
        zone = hold.location.time_zone
        return _end_of(hold).astimezone(zone).isoformat()

    def get_display(self, hold: Hold) -> str:
        return arrival_text(
            starts_at=hold.window_starts_at,
            ends_at=_end_of(hold),
            is_window=hold.service.booking_mode == BookingMode.WINDOW,
            zone=hold.location.time_zone,
        )


class NewHoldOutput(HoldOutput):
    """A new hold, and its token: shown this once."""

    token = serializers.CharField()

    class Meta(HoldOutput.Meta):
        fields = (*HoldOutput.Meta.fields, "token")


def _end_of(hold: Hold) -> datetime:
    """Return the end as `/availability` shows it."""
    is_window = hold.service.booking_mode == BookingMode.WINDOW
    return hold.window_ends_at if is_window else hold.ends_at


class HoldViewSet(viewsets.ViewSet):
    """Slots kept for somebody who decides or pays."""

    resource = "holds"
    lookup_value_converter = "uuid"

    # Not idempotent by key: the record would keep the token for days. Who sends his
    # `visitor` id may send it again, for a second hold takes the place of the first.
    @extend_schema(request=HoldInput, responses={201: NewHoldOutput})
    def create(self, request: Request) -> Response:
        """Keep an offered slot. The answer shows the token, this once."""
        form = HoldInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        wanted = _hold_request(
            form.validated_data, actor=actor, network_address=client_address(request)
        )
        kept, token = retry_contention(
            lambda: services.hold(request=wanted, actor=actor, now=timezone.now())
        )
        kept.token = token  # type: ignore[attr-defined]  # for this answer alone
        return Response(NewHoldOutput(kept).data, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[HOLD_TOKEN], responses=HoldOutput, extensions=_MAY_BE_OVER
    )
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Show what is kept, and until when."""
        kept = services.held(
            hold_id=pk, token=hold_token_of(request), now=timezone.now()
        )
        return Response(HoldOutput(kept).data)

    @extend_schema(
        parameters=[HOLD_TOKEN], responses={204: None}, extensions=_MAY_BE_OVER
    )
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Let the slot go before its time."""
        token = hold_token_of(request)
        retry_contention(
            lambda: services.release(hold_id=pk, token=token, now=timezone.now())
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _hold_request(
    form: dict[str, Any], *, actor: Actor, network_address: str
) -> HoldRequest:
    """Turn a checked form into what it stands for; staff's holds are not counted."""
    return HoldRequest(
        service=service_of(form["service"], actor=actor),
        postal_code=form["postal_code"],
        starts_at=form["starts_at"],
        technician_id=form.get("technician") if actor.is_staff else None,
        lead_id=lead_id_of(form, actor=actor),
        visitor=form.get("visitor"),
        network_address="" if actor.is_staff else network_address,
    )
