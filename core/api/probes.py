"""Pages for those who watch the house rather than live in it."""

import hmac
import ipaddress
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from core.health import check_health


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether requests can be served, and what limps."""
    health = check_health(now=timezone.now())
    body: dict[str, Any] = {"status": health.status, "checks": health.checks}
    if health.outbox_lag_seconds is not None:
        body["outbox_lag_seconds"] = health.outbox_lag_seconds
    return JsonResponse(body, status=200 if health.ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give Prometheus its numbers, if it may have them."""
    if not _may_read_metrics(request):
        raise Http404
    response: HttpResponse = ExportToDjangoView(request)
    return response


def _may_read_metrics(request: HttpRequest) -> bool:
    """With a token set, who knows it; without one, only this machine."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if not settings.PRODUCTION:
        return True
    # Behind a proxy everybody comes from this machine: then a token is needed.
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback and not settings.TRUSTED_PROXY_COUNT


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Greet somebody who opens the address in a browser."""
    return render(request, "landing.html")
