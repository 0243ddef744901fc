"""The outermost layer: an id for each request, one log line, and calm in a storm."""

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from core.api.actors import actor_of
from core.api.problems import problem_of
from core.api.throttling import with_limit_headers
from core.request_log import bind_request_id

log = structlog.get_logger("fieldbook.access")

_PROBES = {"healthz", "readyz", "metrics"}


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
        _log_access(request, response, seconds=time.perf_counter() - started)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer 503 where a view outside of the API met a database that is away."""
        if isinstance(exception, OperationalError | InterfaceError):
            return problem_of(exception)
        return None


def _log_access(
    request: HttpRequest, response: HttpResponse, *, seconds: float
) -> None:
    route = request.resolver_match.route if request.resolver_match else ""
    if route in _PROBES and response.status_code < HTTPStatus.BAD_REQUEST:
        return
    # Only what is known already: the log must not cost a query.
    user = actor_of(request).user_id or getattr(
        getattr(request, "_cached_user", None), "pk", None
    )
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        user=str(user) if user else None,
    )
