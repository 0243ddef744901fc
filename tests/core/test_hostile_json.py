"""Bodies that break careless servers: each is refused, none is a 500."""

import json
import random

import pytest

from core.api.parsers import MAX_BYTES, parse_object
from core.errors import DomainError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]

DEEP = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

HOSTILE = {
    "not JSON": b"{",
    "nothing but space": b" ",
    "array": b"[]",
    "text": b'"name"',
    "null": b"null",
    "number": b"1",
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // b',
    "BOM": b"\xef\xbb\xbf{}",
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\x80"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "raw surrogate": b'{"name": "\xed\xa0\x80"}',
    "NUL in a value": rb'{"name": "a\u0000b"}',
    "NUL in a key": rb'{"a\u0000": 1}',
    "NUL in a nested key": rb'{"data": {"x": [{"\u0000": 1}]}}',
    "raw NUL": b'{"name": "a\x00"}',
    "lone surrogate": rb'{"name": "\ud800"}',
    "lone low surrogate": rb'{"data": ["\udc00"]}',
    "surrogate in a key": rb'{"data": {"\udfff": 1}}',
    "deep": DEEP,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "33 deep": b'{"data": ' + b"[" * 32 + b"]" * 32 + b"}",
    "many values": b'{"data": [' + b"0," * 10_000 + b"0]}",
    "same key twice": b'{"name": "a", "name": "b"}',
    "same key twice, escaped": rb'{"name": "a", "\u006eame": "b"}',
    "NaN": b'{"data": NaN}',
    "Infinity": b'{"data": -Infinity}',
    "infinite float": b'{"data": 1e999}',
    "65 bits": b'{"data": 18446744073709551616}',
    "5000 digits": b'{"data": ' + b"9" * 5000 + b"}",
    "raw control character": b'{"name": "a\nb"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_malformed(api, body) -> None:
    response = api.generic(
        "POST", "/api/v1/form", body, content_type="application/json"
    )

    assert response.status_code == 400
    assert response.json()["code"] == "malformed"


def test_more_than_a_mebibyte_is_too_large(api) -> None:
    body = b'{"name": "' + b"a" * MAX_BYTES + b'"}'

    response = api.generic(
        "POST", "/api/v1/form", body, content_type="application/json"
    )

    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        [0] * 9_000,
        2**63 - 1,
        -(2**63),
        1.5,
        "😀",
        {"a": {"b": [None, True]}},
    ],
    ids=["many", "largest", "smallest", "fraction", "emoji", "nested"],
)
def test_what_is_within_bounds_is_read_as_it_is(value) -> None:
    assert parse_object(json.dumps({"data": value}).encode()) == {"data": value}


def test_32_levels_are_read() -> None:
    body = b'{"data": ' + b"[" * 31 + b"]" * 31 + b"}"

    assert "data" in parse_object(body)


def test_random_bytes_never_surprise(rng_bytes) -> None:
    for body in rng_bytes:
        try:
            parse_object(body)
        except DomainError as error:
            assert error.code == "malformed"  # noqa: PT017  # one of a thousand


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", "\u202e\u2066", "blank"),
        ("name", "x" * 101, "max_length"),
        ("name", None, "null"),
        ("name", ["a"], "invalid"),
        ("name", {"a": 1}, "invalid"),
        ("name", True, "invalid"),
        ("date", "2100-01-01", "range"),
        ("date", "0001-01-01", "range"),
        ("date", "9999-12-31", "range"),
        ("date", "2027-02-30", "invalid"),
        ("date", "10000-01-01", "invalid"),
        ("date", "\uff12\uff10\uff12\uff17-01-01", "invalid"),
        ("date", 20270101, "invalid"),
        ("email", "a@b", "invalid"),
        ("email", "a@b.com\nBcc: c@d.com", "invalid"),
    ],
)
def test_a_field_refuses_what_it_cannot_hold(api, field, value, code) -> None:
    body = {"name": "Labour Day", "date": "2027-05-01"} | {field: value}

    response = api.post("/api/v1/form", body, format="json")

    assert response.status_code == 400
    assert [e["code"] for e in response.json()["errors"]] == [code]


def test_text_comes_in_one_form(api) -> None:
    body = {
        "name": " Cafe\u0301 \u202etxt\u202c ",
        "date": "2027-05-01",
        "email": " ANNA@Example.com ",
    }

    response = api.post("/api/v1/form", body, format="json")

    assert response.json()["name"] == "Café txt"
    assert response.json()["email"] == "anna@example.com"


@pytest.fixture
def rng_bytes() -> list[bytes]:
    """Return a thousand bodies of noise, the same on each run."""
    rng = random.Random(20270301)  # noqa: S311  # noise, not secrets
    alphabet = b'{}[]":,\\u0019eE+-.truefalsn \xff\x00'
    return [bytes(rng.choices(alphabet, k=rng.randrange(1, 60))) for _ in range(1000)]
