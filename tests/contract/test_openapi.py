"""Thousands of generated requests: no 5xx, and no answer that is not documented.

Schemathesis' engine calls the WSGI application in this process (its pytest plugin
does not work with the pytest that we use).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connections
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from core.actors import Role
from core.models import Location
from tests.factories import (
    TODAY,
    local,
    make_appointment,
    make_lead,
    make_location,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_time_off,
    make_user,
    make_zone,
)

# What the document promises: the rest of Schemathesis' checks are opinions on design.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
EXAMPLES_PER_OPERATION = 5

_django = get_wsgi_application()


@pytest.fixture
def company(transactional_db, settings) -> Location:
    """Build a small company for requests to find; the limits are for others."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/s")
    location = make_location()
    make_zone("85004", "85006", location=location)
    skill = make_skill()
    technician = make_technician(location=location, skills=[skill])
    make_time_off(
        technician=technician, starts_at=local(TODAY, 12), ends_at=local(TODAY, 13)
    )
    service = make_service(skills=[skill])
    make_appointment(
        technician=technician,
        service=service,
        property=make_property(),
    )
    make_lead(location=location)
    return location


@pytest.fixture
def headers_of(company, api_as) -> Callable[[Role], dict[str, str]]:
    """Return a function that signs somebody in for an hour of requests."""

    def headers(role: Role) -> dict[str, str]:
        if role is Role.ANONYMOUS:
            return {}
        client: Any = api_as(make_user(role, locations=[company]))
        return {"Authorization": client._credentials["HTTP_AUTHORIZATION"]}

    return headers


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Serve one request; the engine's threads keep no connection for the next."""
    try:
        response = _django(environ, start_response)
        return [b"".join(response)]
    finally:
        connections.close_all()


def explore(headers: dict[str, str]) -> tuple[Counter[str], list[str]]:
    """Let Schemathesis loose; return the statuses it met and the faults it found."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20270301,
            "headers": headers,
            "generation": {
                "max-examples": EXAMPLES_PER_OPERATION,
                "deterministic": True,
                "no-shrink": True,
            },
            "checks": {"enabled": False} | {name: {"enabled": True} for name in CHECKS},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/api/schema", application, config=config)
    met: Counter[str] = Counter()
    faults: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            faults.append(f"{event.label}: {event.value!r}")
        if isinstance(event, events.ScenarioFinished):
            met.update(_statuses(event))
            faults.extend(_faults(event))
    return met, faults


def _statuses(event: events.ScenarioFinished) -> Iterator[str]:
    for interaction in event.recorder.interactions.values():
        if interaction.response is not None:
            yield str(interaction.response.status_code)


def _faults(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                case = event.recorder.cases[case_id].value
                yield (
                    f"{event.label}: {failure.title}: {failure.message[:300]}\n"
                    f"    {case.as_curl_command()[:600]}"
                )


@pytest.mark.parametrize("role", [Role.ANONYMOUS, Role.DISPATCHER])
def test_the_api_answers_as_documented(headers_of, role) -> None:
    met, faults = explore(headers_of(role))

    assert not faults, f"{len(faults)} faults, the first: " + "\n".join(faults[:20])
    assert met.total() >= 2_000
    assert not [status for status in met if status.startswith("5")]
