"""Subscribers and deliveries over HTTP."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core import services as outbox_services
from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from core.errors import NotFound
from core.models import DeliveryAttempt, Location
from core.models.outbox import OutboxQuerySet, OutboxStatus
from integrations import selectors, services
from integrations.api import serializers as forms
from integrations.api.filters import DeliveryFilter, EndpointFilter
from integrations.models import WebhookEndpoint


class WebhookEndpointViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """URLs that are told of events, signed as Standard Webhooks has it."""

    resource = "webhook_endpoints"
    serializer_class = forms.EndpointOutput
    filterset_class = EndpointFilter
    lookup_value_converter = "uuid"
    ordering = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return selectors.endpoints(actor=actor_of(self.request))

    # Not idempotent by key: the record would keep the secret for days. The URL is
    # unique, which serves as well.
    @extend_schema(
        request=forms.EndpointInput, responses={201: forms.EndpointWithSecretOutput}
    )
    def create(self, request: Request) -> Response:
        """Subscribe a URL. The answer shows the secret, this once."""
        form = forms.EndpointInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        given = dict(form.validated_data)
        location = _location(given.pop("location", None), actor=actor)
        endpoint = services.create_endpoint(
            **given, location=location, actor=actor, now=timezone.now()
        )
        return _with_secret(endpoint, status.HTTP_201_CREATED)

    @extend_schema(request=forms.EndpointChanges, responses=forms.EndpointOutput)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change a subscription, or switch it off and on."""
        form = forms.EndpointChanges(data=request.data)
        form.is_valid(raise_exception=True)
        endpoint = services.update_endpoint(
            endpoint_id=pk,
            changes=form.validated_data,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return with_etag(
            Response(forms.EndpointOutput(endpoint).data), endpoint.version
        )

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """End a subscription, and call off what waits for it."""
        services.delete_endpoint(
            endpoint_id=pk,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: forms.DeliveryOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def test(self, request: Request, pk: UUID) -> Response:
        """Send a test event; the answer is its delivery."""
        message = services.send_test(
            endpoint_id=pk, actor=actor_of(request), now=timezone.now()
        )
        message.refresh_from_db()
        return Response(forms.DeliveryOutput(message).data, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=forms.EndpointWithSecretOutput)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: UUID) -> Response:
        """Make a new secret, shown this once. For 24 hours both of them sign."""
        endpoint = services.rotate_secret(
            endpoint_id=pk, actor=actor_of(request), now=timezone.now()
        )
        return _with_secret(endpoint)


class DeliveryViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """What leaves the house, the newest first: webhooks, e-mails, text messages."""

    resource = "deliveries"
    serializer_class = forms.DeliveryOutput
    filterset_class = DeliveryFilter
    lookup_field = "key"
    lookup_value_converter = "uuid"
    ordering = ("-id",)

    def get_queryset(self) -> OutboxQuerySet:
        found = selectors.deliveries(actor=actor_of(self.request))
        if self.action == "retrieve":
            tries = DeliveryAttempt.objects.order_by("number")
            return found.prefetch_related(Prefetch("delivery_attempts", tries))
        return found

    @extend_schema(responses=forms.DeliveryWithAttemptsOutput)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a delivery with what is sent, and every try."""
        return Response(forms.DeliveryWithAttemptsOutput(self.get_object()).data)

    @extend_schema(request=None, responses={202: forms.DeliveryOutput})
    @action(detail=True, methods=["post"])
    @idempotent()
    def replay(self, request: Request, key: UUID) -> Response:
        """Send a dead or delivered message again, under the same id."""
        message = outbox_services.replay(
            key=self.get_object().key, actor=actor_of(request), now=timezone.now()
        )
        return Response(forms.DeliveryOutput(message).data, status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="deliveries_replay_many",
        request=forms.ReplayInput,
        responses={202: forms.ReplayOutput},
    )
    @action(detail=False, methods=["post"], url_path="replay")
    @idempotent()
    def replay_many(self, request: Request) -> Response:
        """Send again what was created in a time, say after an outage."""
        form = forms.ReplayInput(data=request.data)
        form.is_valid(raise_exception=True)
        count = outbox_services.replay_many(
            messages=self._chosen(form.validated_data),
            actor=actor_of(request),
            now=timezone.now(),
            asked=dict(request.data),
        )
        return Response({"count": count}, status.HTTP_202_ACCEPTED)

    def _chosen(self, asked: dict[str, Any]) -> OutboxQuerySet:
        chosen = self.get_queryset().filter(
            created_at__gte=asked["from"],
            created_at__lt=asked["to"],
            status=asked.get("status", OutboxStatus.DEAD),
        )
        if "kind" in asked:
            chosen = chosen.filter(kind=asked["kind"])
        if "endpoint" in asked:
            chosen = selectors.deliveries_to(
                endpoint_id=asked["endpoint"], among=chosen
            )
        return chosen


def _with_secret(endpoint: WebhookEndpoint, code: int = status.HTTP_200_OK) -> Response:
    body = forms.EndpointWithSecretOutput(endpoint).data
    return with_etag(Response(body, code), endpoint.version)


def _location(location_id: UUID | None, *, actor: Actor) -> Location | None:
    """Return the branch to listen to; none means all, for those who see all."""
    if location_id is None:
        if not actor.sees_all_locations:
            raise NotFound
        return None
    location = Location.objects.visible_to(actor).filter(pk=location_id).first()
    if location is None:
        raise ValidationError({"location": ["There is no such branch."]})
    return location
