"""The API's description says of each operation which problems it may answer."""

import inspect
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.api.error_views import known_problems
from core.api.problems import MEDIA_TYPE

_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and body have one effect and one answer, for 72 hours.",
)
_IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description='The version that was read, as its ETag gave it: `"3"`.',
)

_RESPONSES = {
    "400": ("Malformed", "The request cannot be read, or a field is wrong."),
    "401": ("Unauthenticated", "The token is missing, wrong or expired."),
    "403": ("Forbidden", "The role may not do this."),
    "404": ("NotFound", "It is not there, or not for you."),
    "406": ("NotAcceptable", "Only JSON is spoken here."),
    "409": ("Conflict", "It clashes with the present state."),
    "410": ("Gone", "It was there, and its time has passed."),
    "412": ("VersionConflict", "It changed since you read it; `current` shows it."),
    "413": ("TooLarge", "The body is larger than 1 MiB."),
    "415": ("UnsupportedMediaType", "The body must be application/json."),
    "422": ("Rejected", "It breaks a rule, whatever the state."),
    "428": ("PreconditionRequired", "Send the ETag that you read as `If-Match`."),
    "429": ("RateLimited", "Too many requests; see `Retry-After`."),
    "503": ("Unavailable", "Try again after `Retry-After` seconds."),
}
# By this extension a view names problems that only its own operation answers.
MORE_PROBLEMS = "x-problems"
_ALWAYS = {"400", "401", "403", "406", "429", "503"}
_UNSAFE = {"404", "409", "422"}  # 404: what the body names may be out of sight
_WITH_BODY = {"413", "415"}
_WITH_VERSION = {"412", "428"}
_WITH_WAIT = {"429", "503"}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Programs branch on `code`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "The faults of a form, one by one.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
    "examples": [
        {
            "type": "/problems/invalid",
            "title": "The request is not valid",
            "status": 400,
            "detail": "1 field(s) failed validation.",
            "code": "invalid",
            "request_id": "0d3b3f0e-6f0c-4b6e-9d5e-2f1f5b8a7c11",
            "errors": [
                {
                    "pointer": "/name",
                    "code": "required",
                    "detail": "This field is required.",
                }
            ],
        }
    ],
}


class BearerTokenScheme(
    OpenApiAuthenticationExtension  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
):
    """How a token is sent."""

    target_class = "accounts.api.authentication.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class WallTime(
    OpenApiSerializerFieldExtension  # type: ignore[no-untyped-call]  # as above
):
    """A time on the wall clock. OpenAPI's format `time` would want an offset."""

    target_class = "rest_framework.fields.TimeField"
    match_subclasses = True

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: str
    ) -> dict[str, str]:
        return {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}


class ProblemAwareSchema(AutoSchema):
    """Describe the headers that a view method reads."""

    def get_override_parameters(self) -> list[Any]:
        action = getattr(self.view, "action", None) or self.method.lower()
        method = getattr(self.view, action, None)
        found = list(super().get_override_parameters())
        if getattr(method, "is_idempotent", False):
            found.append(_IDEMPOTENCY_KEY)
        if method and _reads_version(method, view=self.view):
            found.append(_IF_MATCH)
        return found

    def get_auth(self) -> list[dict[str, Any]]:
        """Offer to do without a token where the permissions let a visitor in."""
        found: list[dict[str, Any]] = super().get_auth()
        visitor = Request(HttpRequest(), authenticators=())
        guards = self.view.get_permissions()
        if all(guard.has_permission(visitor, self.view) for guard in guards):
            return [*found, {}]
        return found


class KeptSchema(SchemaGenerator):
    """Writes the description once per process: it takes a second of work."""

    def get_schema(
        self,
        request: Any = None,
        public: bool = False,  # noqa: FBT001, FBT002  # drf-spectacular calls it so
    ) -> dict[str, Any]:
        # Public: the same for everybody, so no request has a say in it.
        key = (settings.ROOT_URLCONF, public)
        if key not in _kept:
            made = super().get_schema(None, public)  # type: ignore[no-untyped-call]  # not ours
            _kept[key] = made
        return _kept[key]


_kept: dict[tuple[str, bool], dict[str, Any]] = {}


def _reads_version(method: Any, *, view: Any) -> bool:
    """Tell by its code whether a method, or one that it calls, reads `If-Match`.

    So the document cannot forget what the view does.
    """
    code = getattr(inspect.unwrap(method), "__code__", None)
    names = code.co_names if code else ()
    own = vars(type(view))
    return "if_match" in names or any(
        _reads_version(own[name], view=view)
        for name in names
        if inspect.isfunction(own.get(name)) and name != method.__name__
    )


def document_problems(
    result: dict[str, Any],
    generator: Any,
    request: Any,
    public: bool,  # noqa: FBT001  # drf-spectacular calls it so
) -> dict[str, Any]:
    """Add to each operation the problems it may answer, as shared components."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = _problem_responses()
    for schema in components["schemas"].values():
        if "oneOf" in schema and "discriminator" not in schema:
            # One form may hold all that the other holds: then both fit.
            schema["anyOf"] = schema.pop("oneOf")
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            for status in _statuses(path=path, method=method, operation=operation):
                name, _ = _RESPONSES[status]
                operation["responses"].setdefault(
                    status, {"$ref": f"#/components/responses/{name}"}
                )
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


def _problem_responses() -> dict[str, Any]:
    """Return each problem response with an example of its own."""
    known = known_problems()
    responses: dict[str, Any] = {}
    for status, (name, description) in _RESPONSES.items():
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        title = known[code]["title"]
        content = {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": {
                "type": f"/problems/{code}",
                "title": title,
                "status": int(status),
                "detail": title,
                "code": code,
                "request_id": "0d3b3f0e-6f0c-4b6e-9d5e-2f1f5b8a7c11",
            },
        }
        responses[name] = {"description": description, "content": {MEDIA_TYPE: content}}
        if status in _WITH_WAIT:
            responses[name]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}
            }
    return responses


def _statuses(*, path: str, method: str, operation: dict[str, Any]) -> set[str]:
    found = set(_ALWAYS) | set(operation.pop(MORE_PROBLEMS, ()))
    if "{" in path:
        found.add("404")
    if method != "get":
        found |= _UNSAFE
    if "requestBody" in operation:
        found |= _WITH_BODY
    if any(p.get("name") == "If-Match" for p in operation.get("parameters", [])):
        found |= _WITH_VERSION
    return found
