"""How connections and subscribers stand, over HTTP."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.actors import actor_of
from core.api.serializers import StrictSerializer, checked_query
from integrations.selectors.standing import Standing, standings

_MOST_HOURS = 720


class ReportInput(StrictSerializer):
    """Of which time."""

    hours = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=_MOST_HOURS,
        help_text="Count what began within so many hours: 24.",
    )


class _OutgoingOutput(serializers.Serializer):
    waiting = serializers.IntegerField()
    parked = serializers.IntegerField()
    delivered = serializers.IntegerField()
    superseded = serializers.IntegerField(help_text="A newer state went instead.")
    cancelled = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="For what they say; dead letters too.")
    dead = serializers.IntegerField(help_text="Given up for any other reason.")
    punctual = serializers.IntegerField(help_text="Arrived within a day.")
    due = serializers.IntegerField(help_text="Could have.")
    success_ratio = serializers.FloatField(allow_null=True)
    lag_seconds = serializers.IntegerField(help_text="Since the oldest was due.")
    p50_seconds = serializers.FloatField(allow_null=True)
    p95_seconds = serializers.FloatField(allow_null=True)


class _IncomingOutput(serializers.Serializer):
    received = serializers.IntegerField()
    waiting = serializers.IntegerField()
    dead = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="Came again, and changed nothing.")
    lag_seconds = serializers.IntegerField()
    found = serializers.IntegerField(help_text="By polling, with no webhook, ever.")


class _FailureOutput(serializers.Serializer):
    key = serializers.UUIDField(help_text="Of the delivery.")
    kind = serializers.CharField()
    about = serializers.CharField()
    status = serializers.CharField()
    error = serializers.CharField()
    attempts = serializers.IntegerField()


class StandingOutput(serializers.Serializer):
    """How one connection or subscriber stands."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="connection or subscriber")
    name = serializers.CharField()
    vendor = serializers.CharField()
    state = serializers.CharField()
    attention = serializers.CharField()
    breaker = serializers.CharField()
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()
    outgoing = _OutgoingOutput()
    incoming = _IncomingOutput()
    conflicts = serializers.IntegerField()
    failures = _FailureOutput(many=True)


class ReportOutput(serializers.Serializer):
    """All that the caller sees, as of `computed_at`."""

    computed_at = serializers.DateTimeField()
    standings = StandingOutput(many=True)


class ReportView(APIView):
    """What was told, what waits, and what failed."""

    policy = "integrations.report"

    @extend_schema(parameters=[ReportInput], responses=ReportOutput)
    def get(self, request: Request) -> Response:
        """Show how each connection and subscriber stands."""
        hours = checked_query(ReportInput, request).get("hours", 24)
        now = timezone.now()
        found = standings(
            actor=actor_of(request), now=now, window=timedelta(hours=hours)
        )
        return Response(
            {
                "computed_at": now.isoformat(),
                "standings": [_as_json(standing) for standing in found],
            }
        )


def _as_json(standing: Standing) -> dict[str, Any]:
    shown = asdict(standing)
    shown["outgoing"]["success_ratio"] = standing.outgoing.success_ratio
    return shown
