"""Messages over HTTP: to look at."""

from django.db.models import QuerySet
from rest_framework import mixins, viewsets

from core.api.actors import actor_of
from notifications import selectors
from notifications.api.filters import NotificationFilter
from notifications.api.serializers import NotificationOutput
from notifications.models import Notification


class NotificationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Messages to customers, the newest first, and whether they arrived."""

    resource = "notifications"
    serializer_class = NotificationOutput
    filterset_class = NotificationFilter
    lookup_value_converter = "uuid"
    ordering = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[Notification]:
        return selectors.notifications_with_delivery(actor=actor_of(self.request))
