"""Errors meet HTTP here, and nowhere else (RFC 9457)."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, NotSupportedError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.utils.encoders import JSONEncoder

from core import errors
from core.api.errors import Malformed, TooLarge
from core.request_log import current_request_id

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.DomainError], int] = {
    errors.Invalid: 400,
    Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.VersionConflict: 412,
    TooLarge: 413,
    errors.Rejected: 422,
    errors.PreconditionRequired: 428,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}

# What the framework says in its own words: its status -> our code and title.
WIRE: dict[int, tuple[str, str]] = {
    400: ("malformed", "The request cannot be read"),
    401: ("unauthenticated", "Who are you?"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "No such method here"),
    406: ("not_acceptable", "No such representation"),
    415: ("unsupported_media_type", "Send application/json"),
    429: ("rate_limited", "Too many requests"),
    500: ("server_error", "Something broke on our side"),
    503: ("unavailable", "Temporarily unavailable"),
}


def problem(
    *,
    status: int,
    code: str,
    title: str,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an answer that says what went wrong, for programs and for people."""
    body = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        "request_id": current_request_id(),
    }
    return JsonResponse(
        body | {k: v for k, v in (extra or {}).items() if k not in body},
        encoder=JSONEncoder,
        status=status,
        content_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def wire_problem(
    status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a problem of HTTP itself rather than of the trade."""
    code, title = WIRE[status]
    return problem(
        status=status, code=code, title=title, detail=detail, headers=headers
    )


def problem_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer `error` as a problem; None lets Django report a bug as a 500."""
    if isinstance(error, errors.VersionConflict) and "current" in error.extra:
        error.extra["current"] = _rendered(error.extra["current"], context.get("view"))
    return problem_of(error)


def problem_of(error: Exception) -> HttpResponse | None:
    """Return the problem that tells of `error`, or None where it is a bug."""
    if isinstance(error, errors.DomainError):
        return domain_problem(error)
    if isinstance(error, exceptions.APIException):
        return _framework_problem(error)
    return _django_problem(error) or _database_problem(error)


def status_of(error: type[errors.DomainError]) -> int:
    """Return the status of an error's kind."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def domain_problem(error: errors.DomainError) -> HttpResponse:
    """Return the problem of a rule that said no."""
    extra = dict(error.extra)
    headers = {}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 wants one on each 401
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(retry_after)
    return problem(
        status=status_of(type(error)),
        code=error.code,
        title=error.title,
        detail=str(error),
        extra=extra,
        headers=headers,
    )


def _rendered(current: Any, view: Any) -> Any:
    """Show the thing as its view shows it; what cannot be shown is left out."""
    if isinstance(current, Mapping) or not hasattr(view, "get_serializer"):
        return current if isinstance(current, Mapping) else None
    return view.get_serializer(current).data


def _framework_problem(error: exceptions.APIException) -> HttpResponse:
    if isinstance(error, exceptions.ValidationError):
        found = list(_field_errors(error.detail))
        return domain_problem(errors.Invalid(found))
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    detail: Any = error.detail
    if isinstance(detail, Mapping):  # as simplejwt says it
        detail = detail.get("detail", "")
    code, title = WIRE.get(error.status_code, (error.default_code, "Not possible"))
    if error.status_code == exceptions.AuthenticationFailed.status_code:
        code = getattr(detail, "code", code)
    return problem(
        status=error.status_code,
        code="unauthenticated" if code == "not_authenticated" else code,
        title=title,
        detail=str(detail),
        headers=headers,
    )


def _field_errors(detail: Any, pointer: str = "") -> Iterator[errors.FieldError]:
    """Flatten the framework's tree of errors into JSON pointers."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = str(name).replace("~", "~0").replace("/", "~1")
            here = pointer if name == "non_field_errors" else f"{pointer}/{step}"
            yield from _field_errors(inner, here)
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _field_errors(
                inner, f"{pointer}/{number}" if nested else pointer
            )
    else:
        code = getattr(detail, "code", "invalid")
        yield {"pointer": pointer, "code": code, "detail": str(detail)}


def _django_problem(error: Exception) -> HttpResponse | None:
    if isinstance(error, Http404):
        return wire_problem(404)
    if isinstance(error, PermissionDenied):
        return wire_problem(403)
    if isinstance(error, RequestDataTooBig):
        return domain_problem(TooLarge())
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return wire_problem(400)
    return None


_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)


def _database_problem(error: Exception) -> HttpResponse | None:
    """Tell a database that is away or too busy from one that refuses a value."""
    if isinstance(error, _AWAY) or _is_outdated(error):
        log.warning("database_unavailable", error=str(error))
        return domain_problem(errors.Unavailable(retry_after=2))
    if isinstance(error, DataError):
        # A form should have refused it first: worth a look, not worth a 500.
        log.error("value_refused_by_database", error=str(error))
        return domain_problem(Malformed("A value cannot be stored."))
    return None


def _is_outdated(error: Exception) -> bool:
    """Tell whether a migration changed a column under the transaction: try again.

    PostgreSQL has one code for this and for whatever else it does not do, and the
    latter is a bug of ours.
    """
    cause = error.__cause__
    return (
        isinstance(error, NotSupportedError)
        and isinstance(cause, psycopg.errors.FeatureNotSupported)
        and "cached plan must not change result type" in str(cause)
    )
