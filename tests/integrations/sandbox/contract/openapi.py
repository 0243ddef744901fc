"""Hold a request and its answer against what the vendor itself describes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from integrations.sandbox.wire import Reply
from tests.integrations.sandbox.contract import forms
from tests.integrations.sandbox.contract.descriptions import NotThere, description

Body = bytes | Mapping[str, Any] | Sequence[tuple[str, str]] | None
FORM = "application/x-www-form-urlencoded"


def assert_matches_openapi(
    vendor: str, method: str, path: str, body: Body = None, reply: Reply | None = None
) -> None:
    """Check a call, and its answer if given, against the vendor's OpenAPI document.

    `vendor` is "mailchimp", "stripe" or "twilio"; `path` is what follows the vendor's
    prefix in the sandbox, with its query if it has one:

        assert_matches_openapi(
            "stripe", "POST", "/v1/refunds", b"payment_intent=pi_1", reply
        )

    `body` is what was sent: bytes, or the JSON, or the pairs of a form. The call fails
    where its path, method, a parameter or a member of its body is not described, or
    has another type, or lacks something required. Of an answer the described members
    must have their types; members that the description does not know pass, as it is
    older than the API. The test is skipped from here on where the descriptions cannot
    be had, so call this last.
    """
    problems = list(problems_of(vendor, method, path, body, reply))
    assert not problems, f"{vendor} {method} {path}: " + "; ".join(problems)


def problems_of(
    vendor: str, method: str, path: str, body: Body = None, reply: Reply | None = None
) -> Iterator[str]:
    """Yield what the vendor would not recognise of a call and its answer."""
    plain, _, query = path.partition("?")
    try:
        operation = _operation(vendor, method, plain)
    except NotThere as error:
        pytest.skip(f"NOT CHECKED against {vendor}'s OpenAPI: {error}")
    if operation is None:
        yield "no such operation is described"
        return
    yield from _wrong_query(operation, query)
    yield from _wrong_body(operation, body)
    if reply is not None:
        yield from _wrong_answer(operation, reply)


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method of one path of a document."""

    file: str
    pointer: str
    described: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]]

    def schema(self, *steps: str) -> dict[str, Any]:
        """Return a schema that points to the document, so that its own refs work."""
        escaped = [step.replace("~", "~0").replace("/", "~1") for step in steps]
        return {"$ref": f"urn:{self.file}#{self.pointer}/{'/'.join(escaped)}"}


def _operation(vendor: str, method: str, path: str) -> _Operation | None:
    file = vendor
    if vendor == "twilio" and path.startswith("/v2/"):
        file = "twilio-lookups"
    if vendor == "mailchimp":
        path = path.removeprefix("/3.0")
    for template in _templates(file):
        item = description(file)["paths"][template]
        if method.lower() in item and _pattern(template).fullmatch(path):
            escaped = template.replace("/", "~1")
            described = item[method.lower()]
            return _Operation(
                file,
                f"/paths/{escaped}/{method.lower()}",
                described,
                [*item.get("parameters", []), *described.get("parameters", [])],
            )
    return None


@cache
def _templates(file: str) -> list[str]:
    """Return the paths; those with the fewest places to fill in come first."""
    paths = description(file)["paths"]
    return sorted(paths, key=lambda path: (path.count("{"), path))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))


def _wrong_query(operation: _Operation, query: str) -> Iterator[str]:
    described = {
        each["name"]: each for each in operation.parameters if each["in"] == "query"
    }
    sent = forms.nested(parse_qsl(query, keep_blank_values=True))
    for name, parameter in described.items():
        if name in sent:
            schema = _whole(operation.file, parameter["schema"])
            value = _typed(operation.file, schema, sent[name])
            yield from _errors(operation.file, schema, value, f"?{name}")
        elif parameter.get("required"):
            yield f"?{name} is missing"
    yield from (f"?{name} is not described" for name in sent if name not in described)


def _wrong_body(operation: _Operation, body: Body) -> Iterator[str]:
    described = operation.described.get("requestBody", {})
    if "$ref" in described:
        described = _looked_up(
            operation.file, f"urn:{operation.file}{described['$ref']}"
        )
    content = described.get("content")
    if not content:
        if body:
            yield "a body was sent and none is described"
        return
    [(kind, media)] = content.items()
    schema = _whole(operation.file, media.get("schema", {}))
    value = _sent(body) if kind != FORM else _typed(operation.file, schema, _form(body))
    yield from _errors(operation.file, schema, value, "body")
    known = schema.get("properties")
    if known and isinstance(value, Mapping):
        yield from (f"body: {name} is not described" for name in value.keys() - known)


def _sent(body: Body) -> Any:
    return json.loads(body or b"{}") if isinstance(body, bytes | None) else body


def _form(body: Body) -> dict[str, Any]:
    if isinstance(body, bytes):
        body = parse_qsl(body.decode(), keep_blank_values=True)
    pairs = body.items() if isinstance(body, Mapping) else body or ()
    return forms.nested((name, str(value)) for name, value in pairs)


def _wrong_answer(operation: _Operation, reply: Reply) -> Iterator[str]:
    answers = operation.described["responses"]
    status = str(reply.status) if str(reply.status) in answers else "default"
    if status not in answers:
        # Some vendors describe no errors at all; a success must be described.
        if reply.status < 400:
            yield f"status {reply.status} is not described"
        return
    content = answers[status].get("content") or {}
    if not content:
        if reply.json is not None:
            yield f"{reply.status} has a body and none is described"
        return
    kind = next(iter(content))
    schema = operation.schema("responses", status, "content", kind, "schema")
    answer = reply.json if reply.body is None else json.loads(reply.body)
    yield from _found(
        OAS30Validator(schema, registry=_registry(operation.file)), answer
    )


def _whole(file: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with its refs made absolute, one level deep."""
    absolute = json.dumps(schema).replace('"#/', f'"urn:{file}#/')
    whole: dict[str, Any] = json.loads(absolute)
    return whole


def _errors(file: str, schema: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    validator = OAS30Validator(schema, registry=_registry(file))
    yield from (f"{place}: {problem}" for problem in _found(validator, value))


def _typed(file: str, schema: dict[str, Any], value: Any) -> Any:
    """Return what the texts of a form or query stand for."""
    return forms.typed(value, schema, lambda ref: _looked_up(file, ref))


def _looked_up(file: str, ref: str) -> dict[str, Any]:
    found: Any = _registry(file).resolver().lookup(ref).contents
    return _whole(file, found)


def _found(validator: Any, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message[:300]}"


@cache
def _registry(file: str) -> Any:
    document = DRAFT4.create_resource(description(file))
    resource: Resource[Any] = document
    return Registry().with_resource(f"urn:{file}", resource)
