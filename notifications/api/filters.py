"""How lists of messages are narrowed."""

import django_filters as filters

from core.api.filters import MomentFilter
from notifications.models import (
    KIND_CHOICES,
    Channel,
    Notification,
    NotificationQuerySet,
    Reply,
    State,
)


class NotificationFilter(filters.FilterSet):
    """Narrow by visit, customer, way and time."""

    appointment = filters.UUIDFilter()
    customer = filters.UUIDFilter()
    channel = filters.ChoiceFilter(choices=Channel.choices)
    kind = filters.ChoiceFilter(choices=KIND_CHOICES)
    state = filters.ChoiceFilter(choices=State.choices, method="that_are")
    created_after = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")

    class Meta:
        model = Notification
        fields: list[str] = []

    def that_are(
        self, messages: NotificationQuerySet, name: str, value: str
    ) -> NotificationQuerySet:
        return messages.in_state(State(value))


class ReplyFilter(filters.FilterSet):
    """Narrow by customer, and to those that wait for somebody."""

    customer = filters.UUIDFilter()
    waiting = filters.BooleanFilter("handled_at", lookup_expr="isnull")

    class Meta:
        model = Reply
        fields: list[str] = []
