"""How lists of subscribers and deliveries are narrowed."""

from typing import Any

import django_filters as filters

from core.api.filters import MomentFilter
from core.models import OutboxMessage
from core.models.outbox import OutboxQuerySet, OutboxStatus
from integrations import selectors
from integrations.models import WebhookEndpoint


class EndpointFilter(filters.FilterSet):
    """Narrow by branch and by being switched on."""

    location = filters.UUIDFilter()
    is_active = filters.BooleanFilter()

    class Meta:
        model = WebhookEndpoint
        fields: list[str] = []


class DeliveryFilter(filters.FilterSet):
    """Narrow by status, destination, thing and time."""

    status = filters.MultipleChoiceFilter(choices=OutboxStatus.choices)
    kind = filters.CharFilter(max_length=20)
    destination = filters.CharFilter(max_length=80)
    endpoint = filters.UUIDFilter(method="to_endpoint")
    aggregate = filters.UUIDFilter("aggregate_id")
    event_name = filters.CharFilter("event__name", max_length=60)
    created_after = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")

    class Meta:
        model = OutboxMessage
        fields: list[str] = []

    def to_endpoint(
        self, messages: OutboxQuerySet, name: str, value: Any
    ) -> OutboxQuerySet:
        return selectors.deliveries_to(endpoint_id=value, among=messages)
