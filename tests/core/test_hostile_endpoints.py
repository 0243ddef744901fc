"""Hostile values against every endpoint that there is: 4xx or fine, never a 5xx.

The endpoints and their fields come from the API's own description, so a new one is
attacked from its first day.
"""

import re
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.api.routes import api_routes
from core.actors import Role
from core.api.parsers import StrictJSONParser
from tests.core.test_hostile_json import HOSTILE as HOSTILE_BODIES
from tests.factories import make_location, make_user

pytestmark = pytest.mark.django_db

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "64 bits": 2**63 - 1,
    "smallest": -(2**63),
    "32 bits": 2**31,
    "fraction": 1e308,
    "empty": "",
    "space": " ",
    "long": "x" * 100_000,
    "bidi": "\u202egnp.exe",
    "zero width": "\u200b\ufeff",
    "SQL": "'; DROP TABLE core_location; --",
    "format": "%s%n{0}{{7*7}}${7*7}",
    "script": "<script>alert(1)</script>",
    "formula": "=1+1",
    "line breaks": "a\r\nBcc: x@example.com",
    "path": "../../../../etc/passwd",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "first moment": "0001-01-01T00:00:00Z",
    "last moment": "9999-12-31T23:59:59-23:59",
    "before 0001": "0001-01-01T00:00:00+14:00",
    "year 10000": "10000-01-01T00:00:00Z",
    "odd offset": "2027-03-01T09:00:00+99:99",
    "leap second": "2027-03-01T23:59:60Z",
    "not an id": "not-a-uuid",
    "braced id": "{01890a5d-ac96-774b-bcce-b302099a8057}",
    "unknown id": SOME_ID,
    "number as text": "9" * 400,
    "infinity as text": "Infinity",
    "phone": "+1" + "0" * 60,
    "e-mail": "a@" + "b" * 300 + ".com",
    "list": [],
    "list of lists": [[[[]]]],
    "many": ["x"] * 5_000,
    "object": {},
    "prototype": {"__proto__": {"admin": True}, "__class__": "x"},
    "lookup": {"_connector": "OR 1=1", "pk__gt": 0},
}


def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


DOCUMENT = _document()


def _operations(*methods: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
        if method in methods
    ]


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else ""


def _fields(operation: dict[str, Any]) -> list[str]:
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in body:
        body = DOCUMENT["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    return sorted(body.get("properties", {}))


WRITABLE = [
    (method, path, operation)
    for method, path, operation in _operations("post", "put", "patch", "delete")
    if "requestBody" in operation
]


@pytest.fixture(autouse=True)
def no_limits(settings) -> None:
    """Let this test knock as often as it likes."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/s")


@pytest.fixture
def callers(api, api_as) -> list[APIClient]:
    """Return the admin, who gets furthest, and a visitor, who is anybody."""
    return [api_as(make_user(Role.ADMIN, locations=[make_location()])), api]


def call(client: APIClient, method: str, path: str, **given: Any):
    return getattr(client, method)(re.sub(r"{\w+}", SOME_ID, path), **given)


def assert_harmless(response, what: str) -> None:
    assert response.status_code < 500, f"{what}: {response.content[:300]!r}"
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json", what
        assert response.json()["code"], what


def attack(callers, method: str, path: str, requests: list[tuple[str, dict]]) -> None:
    """Send all of this as everybody; who is not let in gets no further than once."""
    for client in callers:
        for what, given in requests:
            response = call(client, method, path, **given)
            assert_harmless(response, what)
            if response.status_code == 401:
                break


def test_every_view_reads_json_strictly() -> None:
    lax = {
        str(route)
        for route in api_routes()
        if route.path.startswith("api/v1/")
        and list(route.view.parser_classes) != [StrictJSONParser]
    }

    assert not lax


@pytest.mark.parametrize(("method", "path", "operation"), WRITABLE, ids=_name)
def test_hostile_bodies(callers, method, path, operation) -> None:
    for client in callers:
        for name, body in HOSTILE_BODIES.items():
            response = call(
                client, method, path, data=body, content_type="application/json"
            )
            assert_harmless(response, name)
            assert response.status_code in {400, 401, 404, 413}, name
            if response.status_code == 401:
                return


@pytest.mark.parametrize(("method", "path", "operation"), WRITABLE, ids=_name)
def test_other_media_types(callers, method, path, operation) -> None:
    for client in callers:
        for kind in ("text/plain", "multipart/form-data; boundary=x", "a/b/c", ""):
            target = re.sub(r"{\w+}", SOME_ID, path)
            response = client.generic(method, target, b"{}", content_type=kind)
            assert_harmless(response, kind)
            assert response.status_code in {401, 403, 404, 415}, kind


@pytest.mark.parametrize(("method", "path", "operation"), WRITABLE, ids=_name)
def test_hostile_values_in_each_field(callers, method, path, operation) -> None:
    fields = _fields(operation)
    bodies = [(name, dict.fromkeys(fields, value)) for name, value in VALUES.items()]
    if method == "patch":  # which alone may be enough to get beyond the form
        bodies += [
            (f"{field}: {name}", {field: value})
            for name, value in VALUES.items()
            for field in fields
        ]

    attack(
        callers,
        method,
        path,
        [(what, {"data": body, "format": "json"}) for what, body in bodies],
    )


@pytest.mark.parametrize(("method", "path", "operation"), WRITABLE, ids=_name)
def test_fields_that_nobody_offered(callers, method, path, operation) -> None:
    """Mass assignment: what the form does not name is refused, not ignored."""
    admin, _ = callers
    body = {"id": SOME_ID, "is_superuser": True, "version": 99, "created_at": "x"}
    offered = set(_fields(operation))

    response = call(admin, method, path, data=body, format="json")

    assert response.status_code in {400, 404}
    if response.status_code == 400:
        unknown = {
            error["pointer"].removeprefix("/")
            for error in response.json()["errors"]
            if error["code"] == "unknown_field"
        }
        assert unknown >= body.keys() - offered


@pytest.mark.parametrize(("method", "path", "operation"), _operations("get"), ids=_name)
def test_hostile_query_parameters(callers, method, path, operation) -> None:
    names = [
        parameter["name"]
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    ]
    names += ["no_such_parameter", "pk__gt", "_connector"]
    texts = [value for value in VALUES.values() if isinstance(value, str)]
    texts += ["\x00", "a\x00b", "-1", "1e309", "true", "[]", "{}", ",,,", "%", "a,b,a"]

    attack(
        callers,
        method,
        path,
        [(f"{name}={t[:50]!r}", {"data": {name: t}}) for name in names for t in texts],
    )


@pytest.mark.parametrize(
    "path", [path for _, path, _ in _operations("get") if "{" in path]
)
def test_hostile_paths(callers, path) -> None:
    for client in callers:
        for text in ("0.5", "%00", "..%2f..", "x" * 5_000, "%ED%A0%80", "null", "-1"):
            response = client.get(re.sub(r"{\w+}", text, path))
            assert_harmless(response, text[:50])
            assert response.status_code in {400, 401, 403, 404}, text


def _filled(path: str) -> str:
    """Return a path with an id such as it takes: a UUID, or a number."""
    named = [
        parameter["schema"]["type"]
        for operation in DOCUMENT["paths"][path].values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path"
    ]
    return re.sub(r"{\w+}", "7" if "integer" in named else SOME_ID, path)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "X" * 100])
def test_strange_methods(callers, method) -> None:
    for client in callers:
        for path in DOCUMENT["paths"]:
            response = client.generic(method, _filled(path))
            assert_harmless(response, path)
            assert response.status_code in {401, 405}, path


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "é", "x" * 20_000, "e30.e30.e30", "null", "Bearer x", "\x00"],
)
def test_hostile_tokens(api, token) -> None:
    for path in ("/api/v1/locations", "/api/v1/auth/me"):
        response = api.get(path, headers={"Authorization": f"Bearer {token}"})
        assert_harmless(response, path)
        assert response.status_code in {200, 401}


@pytest.mark.parametrize(
    "header", ["If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID", "Accept"]
)
def test_hostile_headers(callers, header) -> None:
    admin, _ = callers
    for method, path, _ in _operations("get", "post", "patch"):
        for value in ("*", "\x00", "é" * 300, "x" * 8_000):
            response = call(admin, method, path, data=None, headers={header: value})
            assert_harmless(response, f"{method} {path} {header}: {value[:9]!r}")
