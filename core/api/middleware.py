"""What stands around every view: an id, one log line, figures, calm in a storm."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django_prometheus.middleware import PrometheusAfterMiddleware
from whitenoise import middleware as whitenoise

from core.api.actors import actor_of
from core.api.problems import problem_of
from core.api.throttling import with_limit_headers
from core.request_log import bind_request_id

# Each request writes here: its line is made by hand, and config.log writes it as it is.
log = logging.getLogger("fieldbook.access")

# Probes say nothing new, and what vendors say is on record in the inbox.
_QUIET = {"healthz", "readyz", "metrics", "api/v1/webhooks/<slug:vendor>/<str:token>"}


class RequestContext:
    """Bind the request's id, echo it, and write the access line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = bind_request_id(request.headers.get("X-Request-ID", ""))
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        with_limit_headers(request, response)
        _log_access(
            request,
            response,
            seconds=time.perf_counter() - started,
            request_id=request_id,
        )
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer 503 where a view outside of the API met a database that is away."""
        if isinstance(exception, OperationalError | InterfaceError):
            return problem_of(exception)
        return None


def _log_access(
    request: HttpRequest, response: HttpResponse, *, seconds: float, request_id: str
) -> None:
    route = request.resolver_match.route if request.resolver_match else ""
    if route in _QUIET and response.status_code < HTTPStatus.BAD_REQUEST:
        return
    # Only what is known already: the log must not cost a query. And nothing of the
    # caller's making but a well-formed id: there is nothing to mask.
    user = actor_of(request).user_id or getattr(
        getattr(request, "_cached_user", None), "pk", None
    )
    log.info(
        {
            "method": request.method,
            "route": route,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "user": str(user) if user else None,
            "event": "request",
            "request_id": request_id,
            "level": "info",
            "logger": log.name,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
    )


@lru_cache(10_000)
def _series(metric: Any, **labels: str) -> Any:
    return metric.labels(**labels)


class Metering(PrometheusAfterMiddleware):
    """Count for Prometheus, and remember which series each label means."""

    def label_metric(
        self, metric: Any, request: Any, response: Any = None, **labels: str
    ) -> Any:
        return _series(metric, **labels) if labels else metric


class _PagesOnly:
    """A middleware for pages: requests of the API go past it.

    They carry a bearer token, and neither cookies nor messages.
    """

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/api/v1/"):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # of what it is mixed in


class WhiteNoiseMiddleware(_PagesOnly, whitenoise.WhiteNoiseMiddleware):
    """Serve static files."""


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Keep who is signed in to the admin site."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """Tell pages who is signed in."""


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """Keep messages for the next page."""
