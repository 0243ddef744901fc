"""Messages over HTTP: what was written, and what people answered."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.actors import actor_of
from notifications import selectors, services
from notifications.api.filters import NotificationFilter, ReplyFilter
from notifications.api.serializers import NotificationOutput, ReplyOutput
from notifications.models import Notification, Reply


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


class ReplyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Texts that people sent us, the newest first."""

    resource = "replies"
    serializer_class = ReplyOutput
    filterset_class = ReplyFilter
    lookup_value_converter = "uuid"
    ordering = ("-received_at", "-id")

    def get_queryset(self) -> QuerySet[Reply]:
        return Reply.objects.visible_to(actor_of(self.request))

    @extend_schema(request=None, responses=ReplyOutput)
    @action(detail=True, methods=["post"])
    def handle(self, request: Request, pk: UUID) -> Response:
        """Say that somebody has seen to it; twice is as good as once."""
        reply = services.handle_reply(
            reply_id=pk, actor=actor_of(request), now=timezone.now()
        )
        return Response(ReplyOutput(reply).data)
