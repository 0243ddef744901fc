"""Every error is a problem: one shape, one media type, nothing about internals."""

from typing import Any

import pytest

from core.api.problems import status_of
from core.errors import DomainError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(response, *, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert response.status_code == body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == response["X-Request-ID"]
    assert set(body) >= MEMBERS
    return body


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/no-such-thing", 404, "not_found"),
        ("/nowhere", 404, "not_found"),
        ("/api/v1/broken/bug", 500, "server_error"),
        ("/api/v1/broken/away", 503, "unavailable"),
        ("/api/v1/broken/data", 400, "malformed"),
        ("/api/v1/broken/number", 400, "malformed"),
        ("/plain/bug", 500, "server_error"),
        ("/plain/away", 503, "unavailable"),
    ],
)
def test_an_error_is_a_problem(api, path, status, code) -> None:
    response = api.get(path)

    assert_problem(response, status=status, code=code)


def test_a_problem_tells_no_internals(api) -> None:
    texts = [
        api.get(f"/api/v1/broken/{how}").content.decode()
        for how in ("bug", "away", "data")
    ]

    for leak in ("ZeroDivision", "10.0.0.7", "Traceback", "date/time", "10000000"):
        assert not any(leak in text for text in texts)


def test_a_database_that_is_away_says_when_to_come_back(api) -> None:
    assert api.get("/api/v1/broken/away")["Retry-After"] == "2"
    assert api.get("/plain/away")["Retry-After"] == "2"


def test_the_admin_speaks_plainly(api) -> None:
    response = api.get("/admin/broken/bug")

    assert response.status_code == 500
    assert response["Content-Type"] == "text/plain"
    assert "ZeroDivision" not in response.content.decode()


def test_a_wrong_method_names_the_right_ones(api) -> None:
    response = api.delete("/api/v1/form")

    assert_problem(response, status=405, code="method_not_allowed")
    assert "POST" in response["Allow"]


def test_a_representation_that_is_not_spoken(api) -> None:
    response = api.get("/api/v1/public", headers={"Accept": "application/xml"})

    assert_problem(response, status=406, code="not_acceptable")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "x", ""])
def test_another_media_type_is_refused(api, kind) -> None:
    response = api.generic("POST", "/api/v1/form", b'{"name": "a"}', content_type=kind)

    assert_problem(response, status=415, code="unsupported_media_type")


def test_a_form_names_each_fault_by_its_pointer(api) -> None:
    body = {"date": "1999-12-31", "nmae": "typo", "a/b~c": 1, "email": "x"}

    response = api.post("/api/v1/form", body, format="json")

    found = assert_problem(response, status=400, code="invalid")["errors"]
    assert {(error["pointer"], error["code"]) for error in found} == {
        ("/name", "required"),
        ("/date", "range"),
        ("/email", "invalid"),
        ("/nmae", "unknown_field"),
        ("/a~1b~0c", "unknown_field"),
    }


def test_each_type_of_problem_has_its_page(api) -> None:
    known = api.get("/problems/version_conflict")

    assert known.status_code == 200
    assert "412" in known.content.decode()
    assert "Somebody changed it" in known.content.decode()
    assert api.get("/problems/no_such_code").status_code == 404


def test_a_stale_version_shows_the_thing_as_it_is(api) -> None:
    response = api.patch(
        "/api/v1/thing", {}, format="json", headers={"If-Match": '"2"'}
    )

    body = assert_problem(response, status=412, code="version_conflict")
    assert body["current"] == {
        "code": "phx",
        "name": "Phoenix",
        "city": "2027-05-01",
    }


def test_a_code_means_one_thing() -> None:
    kinds = DomainError.__subclasses__()
    titles: dict[str, set[tuple[int, str]]] = {}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        titles.setdefault(kind.code, set()).add((status_of(kind), kind.title))

    assert not {code: seen for code, seen in titles.items() if len(seen) > 1}
