"""Django's own errors, and a page for each type of problem."""

import sys
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from core.api.problems import STATUS, WIRE, problem_of, status_of, wire_problem
from core.errors import DomainError


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django calls suspicious."""
    return _answer(request, problem_of(exception) or wire_problem(400))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not allowed."""
    return _answer(request, wire_problem(403))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere."""
    return _answer(request, wire_problem(404))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug, telling nothing but the request's id."""
    error = sys.exc_info()[1]
    known = problem_of(error) if isinstance(error, Exception) else None
    return _answer(request, known or wire_problem(500))


def _answer(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Speak plainly to people at the admin, and in problems to programs."""
    if not request.path_info.startswith("/admin/"):
        return response
    text = f"{response.status_code} {response.reason_phrase}\n"
    plain = HttpResponse(text, status=response.status_code, content_type="text/plain")
    if "Retry-After" in response:
        plain["Retry-After"] = response["Retry-After"]
    return plain


def known_problems() -> dict[str, dict[str, Any]]:
    """Return every problem by its code: status, title and what it means."""
    found: dict[str, dict[str, Any]] = {
        code: {"status": status, "title": title, "meaning": ""}
        for status, (code, title) in WIRE.items()
    }
    kinds = list(STATUS)
    while kinds:
        kind: type[DomainError] = kinds.pop()
        kinds += kind.__subclasses__()
        found[kind.code] = {
            "status": status_of(kind),
            "title": kind.title,
            "meaning": kind.__doc__ or "",
        }
    return found


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one type of problem to a person who followed its `type`."""
    if code not in (known := known_problems()):
        raise Http404
    return render(request, "problem.html", {"code": code, **known[code]})
