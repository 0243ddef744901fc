"""The door for vendors: what they say is stored before it is answered."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import MethodNotAllowed, Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.errors import TooLarge
from core.api.throttling import client_address, hit
from integrations.models import Vendor
from integrations.rules.signatures import Callback
from integrations.services import inbox
from integrations.services.inbox import metering

MAX_BYTES = 256 * 1024
_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class _Anything(BaseContentNegotiation):
    """Vendors send and accept what they like; we answer what they understand."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        first = renderers[0]
        return first, first.media_type


class CallbackView(APIView):
    """Callbacks of vendors. The URL is a connection's, and is kept secret.

    A vendor proves itself by its signature over the raw body.
    """

    policy = "callbacks.receive"
    authentication_classes = ()
    throttle_classes = ()
    content_negotiation_class = _Anything

    @extend_schema(
        operation_id="callbacks_receive",
        auth=[],
        request={
            "application/json": OpenApiTypes.OBJECT,
            "application/x-www-form-urlencoded": OpenApiTypes.OBJECT,
        },
        responses={
            200: OpenApiTypes.OBJECT,
            202: OpenApiTypes.OBJECT,
        },
        examples=[
            OpenApiExample("stored", {"received": True}, response_only=True),
        ],
    )
    def post(self, request: Request, vendor: str, token: str) -> HttpResponse:
        """Store what a vendor says: 202, or 200 for what it had said before."""
        callback = _callback_of(request._request)
        connection = inbox.called_connection(vendor=vendor, token=token)
        _limit(request, connection_id=str(connection.pk), vendor=vendor)
        if inbox.is_handshake(connection=connection, callback=callback):
            metering.count(vendor, "handshake")
            return _answer(vendor, is_new=False)
        received = inbox.receive(
            connection=connection,
            callback=callback,
            sender=client_address(request),
            now=timezone.now(),
        )
        return _answer(vendor, is_new=received.is_new)

    @extend_schema(
        operation_id="callbacks_handshake",
        auth=[],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, vendor: str, token: str) -> HttpResponse:
        """Answer Mailchimp, which looks whether anybody is there."""
        connection = inbox.called_connection(vendor=vendor, token=token)
        _limit(request, connection_id=str(connection.pk), vendor=vendor)
        if vendor != Vendor.MAILCHIMP:
            raise MethodNotAllowed("GET")
        metering.count(vendor, "handshake")
        return _answer(vendor, is_new=False)


def _callback_of(request: HttpRequest) -> Callback:
    """Return the request as it was signed.

    Raises:
        TooLarge
    """
    with suppress(ValueError):  # what is no number, Django takes for no body
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
            raise TooLarge(f"A callback holds at most {MAX_BYTES} bytes.")
    return Callback(
        body=request.body,
        headers=request.headers,
        url=_public_url(request),
        method=str(request.method),
    )


def _public_url(request: HttpRequest) -> str:
    """Return the URL as the vendor knows it: a proxy may have changed the host."""
    base = settings.PUBLIC_BASE_URL or f"{request.scheme}://{request.get_host()}"
    return base.rstrip("/") + request.get_full_path()


def _limit(request: Request, *, connection_id: str, vendor: str) -> None:
    usage = hit(scope="callbacks", value=connection_id)
    request._request.rate_usage = usage  # type: ignore[attr-defined]  # for its headers
    if not usage.allowed:
        metering.count(vendor, "limited")
        raise Throttled(wait=usage.reset_in)


def _answer(vendor: str, *, is_new: bool) -> HttpResponse:
    """Say what the vendor takes for a yes. Twilio would read text as a message."""
    if vendor == Vendor.TWILIO:
        return HttpResponse(_TWIML, content_type="text/xml")
    status = 202 if is_new and vendor != Vendor.MAILCHIMP else 200
    return JsonResponse({"received": True}, status=status)
