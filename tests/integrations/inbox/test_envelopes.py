"""The outside of a callback: type, thing, identity and time, of whatever comes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.models import Vendor
from integrations.rules.envelopes import Envelope, Unreadable, envelope_of

FORM = "application/x-www-form-urlencoded; charset=utf-8"
JSON = "application/json"
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def read(vendor: str, said: Mapping[str, object], kind: str = JSON) -> Envelope:
    body = urlencode(said) if kind == FORM else json.dumps(said)
    return envelope_of(vendor, body.encode(), content_type=kind)


@pytest.mark.parametrize(
    ("vendor", "said", "kind", "about"),
    [
        (
            Vendor.HOUSECALLPRO,
            {"event": "job.paid", "job": {"id": "j"}},
            "job.paid",
            "j",
        ),
        (
            Vendor.HOUSECALLPRO,
            {"event": "job.appointment.scheduled", "appointment": {"id": "a"}},
            "job.appointment.scheduled",
            "a",
        ),
        (Vendor.HOUSECALLPRO, {"event": "job.paid", "job": []}, "job.paid", ""),
        (Vendor.STRIPE, {"type": "a", "data": {"object": {"id": 7}}}, "a", "7"),
        (Vendor.STRIPE, {"type": None, "data": "x"}, "", ""),
        (Vendor.SERVICETITAN, {"event": "b", "id": 5}, "b", "5"),
        (Vendor.SERVICETITAN, {"type": ["b"], "data": {"id": True}}, "", ""),
        (Vendor.GOOGLE_MAPS, {"type": "c"}, "c", ""),
    ],
)
def test_type_and_thing(vendor, said, kind, about) -> None:
    envelope = read(vendor, said)

    assert (envelope.event_type, envelope.external_id) == (kind, about)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:00:00Z", TEN),
        ("2026-11-20 10:00:00", TEN),
        ("2026-11-20T03:00:00-07:00", TEN),
        ("yesterday", None),
        ("1999-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_when_it_happened(text, moment) -> None:
    said = {"event": "job.paid", "event_occurred_at": text}

    assert read(Vendor.HOUSECALLPRO, said).occurred_at == moment
    assert read(Vendor.MAILCHIMP, {"fired_at": text}, FORM).occurred_at == moment


@pytest.mark.parametrize(
    "seconds", [True, "1763632800", None, 1e300, -(10**20), 10**20]
)
def test_what_is_no_moment_of_stripes(seconds) -> None:
    assert read(Vendor.STRIPE, {"id": "evt", "created": seconds}).occurred_at is None


def test_a_long_id_is_its_hash() -> None:
    texts = read(Vendor.TWILIO, {"MessageSid": "S" * 500}, FORM)
    payment = read(Vendor.STRIPE, {"id": "evt_" + "x" * 500})

    for envelope in (texts, payment):
        assert envelope.dedupe_key.startswith("sha256:")
        assert len(envelope.dedupe_key) < 120


def test_who_writes_a_text_message_says_that_it_came_in() -> None:
    said = {"MessageSid": "SM1", "From": "+16025550101", "Body": "STOP"}

    assert read(Vendor.TWILIO, said, FORM).event_type == "message.received"


def test_twilio_of_something_else() -> None:
    assert read(Vendor.TWILIO, {"CallSid": "CA1"}, FORM).dedupe_key.startswith(
        "sha256:"
    )


@given(
    vendor=st.sampled_from([*Vendor.values, "nobody"]),
    body=st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(lambda said: json.dumps(said).encode()),
    ),
    kind=st.sampled_from([FORM, JSON, "", "multipart/form-data"]),
)
def test_nothing_that_comes_breaks_it(vendor, body, kind) -> None:
    try:
        envelope = envelope_of(vendor, body, content_type=kind)
    except Unreadable:
        return

    assert 0 < len(envelope.dedupe_key) <= 120
    assert envelope == envelope_of(vendor, body, content_type=kind)
