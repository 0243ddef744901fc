"""What vendors told us, over HTTP."""

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.actors import actor_of
from core.api.filters import MomentFilter
from core.api.idempotency import idempotent
from core.api.serializers import StrictSerializer
from integrations.api.serializers import InstantField, ReplayOutput
from integrations.models import InboundEvent, InboundState, Source, Vendor
from integrations.selectors.inbox import inbox_of
from integrations.services import inbox


class InboxFilter(filters.FilterSet):
    """Narrow by state, connection, vendor, source and time."""

    state = filters.MultipleChoiceFilter(choices=InboundState.choices)
    connection = filters.UUIDFilter()
    vendor = filters.ChoiceFilter("connection__vendor", choices=Vendor.choices)
    source = filters.ChoiceFilter(choices=Source.choices)
    event_type = filters.CharFilter(max_length=80)
    external_id = filters.CharFilter(max_length=120)
    received_after = MomentFilter("received_at", lookup_expr="gte")
    received_before = MomentFilter("received_at", lookup_expr="lt")

    class Meta:
        model = InboundEvent
        fields: list[str] = []


class InboundOutput(serializers.ModelSerializer):
    """Something a vendor told us, and what became of it."""

    id = serializers.CharField(source="pk", help_text="A number, as text.")
    vendor = serializers.ChoiceField(source="connection.vendor", choices=Vendor.choices)

    class Meta:
        model = InboundEvent
        fields = (
            "id",
            "connection",
            "vendor",
            "source",
            "event_type",
            "external_id",
            "state",
            "note",
            "attempts",
            "times_received",
            "occurred_at",
            "received_at",
            "next_attempt_at",
            "finished_at",
            "request_id",
        )


class InboundWithBodyOutput(InboundOutput):
    """The same with what was said, word for word."""

    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.SerializerMethodField(
        help_text="As UTF-8; what is none is shown as a replacement character."
    )

    class Meta(InboundOutput.Meta):
        fields = (*InboundOutput.Meta.fields, "headers", "body")  # type: ignore[assignment]  # two longer

    @extend_schema_field(str)
    def get_body(self, event: InboundEvent) -> str:
        return inbox.body_of(event).decode(errors="replace")


class InboxReplayInput(StrictSerializer):
    """Which of those given up to take in again: what came in [from, to)."""

    field_from = InstantField(label="from")
    to = InstantField()
    connection = serializers.UUIDField(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = fields.pop("field_from")  # a keyword of Python
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["to"] <= attrs["from"]:
            raise serializers.ValidationError({"to": "Must be after from."})
        return attrs


class InboxViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """What vendors told us, by callback or by poll, the newest first."""

    resource = "inbox"
    serializer_class = InboundOutput
    filterset_class = InboxFilter
    lookup_value_converter = "str"  # what is no number is not there either
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[InboundEvent]:
        return inbox_of(actor=actor_of(self.request))

    @extend_schema(responses=InboundWithBodyOutput)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show it with its body."""
        return Response(InboundWithBodyOutput(self.get_object()).data)

    @extend_schema(request=None, responses={202: InboundOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def replay(self, request: Request, pk: str) -> Response:
        """Take in again what was given up, or was nothing to us."""
        event = inbox.replay_inbound(
            event_id=self.get_object().pk,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(InboundOutput(event).data, status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="inbox_replay_many",
        request=InboxReplayInput,
        responses={202: ReplayOutput},
    )
    @action(detail=False, methods=["post"], url_path="replay")
    @idempotent()
    def replay_many(self, request: Request) -> Response:
        """Take in again what was given up in a time, say after an outage."""
        form = InboxReplayInput(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        events = self.get_queryset().filter(
            received_at__gte=asked["from"], received_at__lt=asked["to"]
        )
        if "connection" in asked:
            events = events.filter(connection=asked["connection"])
        count = inbox.replay_dead(
            events=events,
            actor=actor_of(request),
            now=timezone.now(),
            asked=dict(request.data),
        )
        return Response({"count": count}, status.HTTP_202_ACCEPTED)
