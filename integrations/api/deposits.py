"""Deposits over HTTP: have one paid, look at it, send it back."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import django_filters as filters
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from appointments.api.fields import MomentField
from appointments.api.tokens import HOLD_TOKEN, hold_token_of
from appointments.api.views import booking_request
from appointments.selectors.holds import hash_of
from core.actors import Actor
from core.api.actors import actor_of
from core.api.fields import CleanCharField
from core.api.filters import MomentFilter
from core.api.idempotency import idempotent
from core.api.schema import MORE_PROBLEMS
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from integrations.models import Deposit, DepositState
from integrations.services import deposits
from integrations.services.deposits import DepositRequest

_MAY_BE_OVER = {MORE_PROBLEMS: ["410"]}


class ReturnURLField(serializers.CharField):
    """A page of ours: a stranger's page must not come after one that asks for money."""

    def __init__(self, **given: Any) -> None:
        super().__init__(max_length=500, **given)

    def to_internal_value(self, data: Any) -> str:
        url = str(super().to_internal_value(data))
        if not _is_ours(url):
            raise serializers.ValidationError(
                "Not a page of an origin that this company trusts.", "untrusted_url"
            )
        return url


class DepositInput(StrictSerializer):
    """What is booked as soon as its deposit is paid: as for booking it at once.

    The token of the hold goes into `X-Hold-Token`. Visitors send their `lead` with its
    `booking_token`; staff and machines a `lead` or a `property`. The customer's browser
    is sent to `success_url` or `cancel_url`, of an origin that `CORS_ALLOWED_ORIGINS`
    or `PUBLIC_BASE_URL` names.
    """

    service = serializers.SlugField(max_length=40, help_text="Code of the service.")
    starts_at = MomentField(help_text="The start of the slot that is held.")
    lead = serializers.UUIDField(required=False)
    booking_token = serializers.CharField(required=False, max_length=200)
    property = serializers.UUIDField(required=False)
    notes = CleanCharField(required=False, max_length=4000, allow_blank=True)
    success_url = ReturnURLField()
    cancel_url = ReturnURLField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lead" in attrs) == ("property" in attrs):
            raise serializers.ValidationError("Give either a lead or a property.")
        return attrs


class RefundInput(StrictSerializer):
    """Why the money goes back."""

    reason = CleanCharField(max_length=300)


class DepositOutput(serializers.ModelSerializer[Deposit]):
    """A deposit. Whoever comes back from the page looks here whether it is paid.

    `url` is where it is paid, as long as it can be; `appointment` is what was booked.
    """

    url = serializers.SerializerMethodField()

    class Meta:
        model = Deposit
        fields = (
            "id",
            "url",
            "state",
            "location",
            "amount_cents",
            "currency",
            "received_cents",
            "refunded_cents",
            "expires_at",
            "paid_at",
            "refunded_at",
            "appointment",
        )

    def get_url(self, deposit: Deposit) -> str | None:
        """The page; null when there is nothing to pay any more."""
        is_open = deposit.state == DepositState.REQUESTED
        return (deposit.page_url or None) if is_open else None


class DepositFilter(filters.FilterSet):
    """Narrow by state, visit, branch and time."""

    state = filters.MultipleChoiceFilter(choices=DepositState.choices)
    appointment = filters.UUIDFilter()
    location = filters.UUIDFilter()
    created_after = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")

    class Meta:
        model = Deposit
        fields: list[str] = []


class DepositViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Money that is paid before a visit is booked."""

    resource = "deposits"
    serializer_class = DepositOutput
    filterset_class = DepositFilter
    lookup_value_converter = "uuid"
    ordering = ("-pk",)

    def get_queryset(self) -> QuerySet[Deposit]:
        return Deposit.objects.visible_to(actor_of(self.request))

    # Not idempotent by key, which would keep a transaction open while Stripe is asked:
    # a hold has one deposit, and whoever asks again is given the same page.
    @extend_schema(
        parameters=[HOLD_TOKEN],
        request=DepositInput,
        responses={201: DepositOutput},
        extensions=_MAY_BE_OVER,
    )
    def create(self, request: Request) -> Response:
        """Open the page on which the deposit of a held slot is paid.

        Once it is paid, the visit is booked by itself. Asked again, the same page.
        """
        form = DepositInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        deposit = deposits.request_deposit(
            request=_wish(
                form.validated_data, token=hold_token_of(request), actor=actor
            ),
            actor=actor,
            now=timezone.now(),
        )
        return Response(DepositOutput(deposit).data, status.HTTP_201_CREATED)

    @extend_schema(parameters=[HOLD_TOKEN], responses=DepositOutput)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Show a deposit to whoever has the hold's token, and to the branch's staff."""
        deposit = _seen(pk, token=hold_token_of(request), actor=actor_of(request))
        return Response(DepositOutput(deposit).data)

    @extend_schema(request=RefundInput, responses=DepositOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def refund(self, request: Request, pk: UUID) -> Response:
        """Send the money back. The visit stays as it is."""
        form = RefundInput(data=request.data)
        form.is_valid(raise_exception=True)
        deposit = deposits.refund_deposit(
            deposit_id=pk,
            reason=form.validated_data["reason"],
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(DepositOutput(deposit).data)


def _wish(form: dict[str, Any], *, token: str, actor: Actor) -> DepositRequest:
    """Turn a checked form into what it stands for, within the actor's sight."""
    urls = {name: form.pop(name, "") for name in ("success_url", "cancel_url")}
    booking = booking_request(form, actor=actor)
    return DepositRequest(
        hold=token,
        service=booking.service,
        starts_at=booking.starts_at,
        lead_id=booking.lead_id,
        property=booking.property,
        notes=booking.notes,
        source=booking.source,
        **urls,
    )


def _seen(pk: UUID, *, token: str, actor: Actor) -> Deposit:
    deposit = Deposit.objects.filter(pk=pk).first()
    if deposit is None:
        raise NotFound
    has_token = bool(token) and constant_time_compare(
        deposit.token_hash, hash_of(token)
    )
    if not has_token and not (
        actor.is_staff and actor.sees_location(deposit.location_id)
    ):
        raise NotFound
    return deposit


def _is_ours(url: str) -> bool:
    """Tell whether a browser may be sent there; on a laptop and in tests, anywhere."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
    ):
        return False
    if not settings.PRODUCTION:
        return True
    trusted = [*settings.CORS_ALLOWED_ORIGINS, settings.PUBLIC_BASE_URL]
    return f"{parts.scheme}://{parts.netloc}" in trusted
