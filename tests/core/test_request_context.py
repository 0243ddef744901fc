"""One id and one log line for each request."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from core.api.problems import problem_of
from core.request_log import current_request_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]


@pytest.fixture
def access_log(caplog) -> Callable[[], list[Any]]:
    """Return a function that tells what the access log wrote."""
    caplog.set_level(logging.INFO, logger="fieldbook.access")
    return lambda: [r.msg for r in caplog.records if r.name == "fieldbook.access"]


def test_an_offered_id_is_kept(api) -> None:
    offered = str(uuid.uuid4())

    response = api.get("/api/v1/nothing", headers={"X-Request-ID": offered})

    assert response["X-Request-ID"] == offered
    assert response.json()["request_id"] == offered
    assert current_request_id() == offered


@pytest.mark.parametrize(
    "offered", ["", "short", "x" * 65, "a b c d e f", "%0d%0aX: y"]
)
def test_a_strange_id_is_replaced(api, offered) -> None:
    response = api.get("/api/v1/nothing", headers={"X-Request-ID": offered})

    assert uuid.UUID(response["X-Request-ID"]).version == 4


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/v1/broken/bug", "/admin/login/"]
)
def test_every_answer_carries_an_id(api, path) -> None:
    assert uuid.UUID(api.get(path)["X-Request-ID"]).version == 4


def test_a_request_is_one_line(api, access_log) -> None:
    api.get("/api/v1/broken/who?phone=%2B16025550123")

    (line,) = access_log()
    assert line["route"] == "api/v1/broken/<str:how>"
    assert line["method"] == "GET"
    assert line["status"] == 200
    assert line["ms"] >= 0
    assert line["user"] is None
    assert "6025550123" not in str(line)


def test_a_probe_that_is_well_leaves_no_line(api, access_log) -> None:
    api.get("/healthz")

    assert access_log() == []


def test_a_bug_is_no_problem_of_the_caller() -> None:
    assert problem_of(ZeroDivisionError()) is None
