"""The check against the vendors' descriptions finds what is wrong."""

import pytest

from integrations.sandbox.wire import Reply
from tests.integrations.sandbox.contract.openapi import (
    assert_matches_openapi,
    problems_of,
)

MESSAGES = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
MEMBER = "/3.0/lists/a1/members/0123456789abcdef0123456789abcdef"
SMS = b"To=%2B15558675310&From=%2B15005550006&Body=On+our+way"
JOINS = {"email_address": "a@b.c", "status_if_new": "subscribed", "vip": False}
SESSION = (
    b"mode=payment&success_url=https%3A%2F%2Fx.test&line_items[0][quantity]=1"
    b"&line_items[0][price_data][currency]=usd"
    b"&line_items[0][price_data][unit_amount]=9900"
    b"&line_items[0][price_data][product_data][name]=Deposit&metadata[visit]=1"
)


@pytest.mark.parametrize(
    ("vendor", "method", "path", "body"),
    [
        ("stripe", "POST", "/v1/checkout/sessions", SESSION),
        ("stripe", "GET", "/v1/events?type=charge.refunded&created[gte]=1", None),
        ("twilio", "POST", MESSAGES, SMS),
        ("twilio", "POST", MESSAGES, SMS + b"&ScheduleType=fixed&MediaUrl=x"),
        ("twilio", "POST", MESSAGES, SMS + b"&MediaUrl=x&MediaUrl=y&MediaUrl=z"),
        ("twilio", "GET", f"{MESSAGES}?To=%2B1555&PageSize=50", None),
        ("twilio", "GET", "/v2/PhoneNumbers/+15558675310?Fields=x", None),
        ("mailchimp", "PUT", MEMBER, JOINS),
        ("mailchimp", "GET", "/3.0/ping", None),
    ],
)
def test_a_good_call_passes(vendor, method, path, body) -> None:
    assert_matches_openapi(vendor, method, path, body)


@pytest.mark.parametrize(
    ("vendor", "method", "path", "body", "problem"),
    [
        ("stripe", "POST", "/v1/refunds", b"amount=much", "amount"),
        ("stripe", "POST", "/v1/refunds", b"reason=bored", "reason"),
        ("stripe", "POST", "/v1/refunds", b"because=x", "because"),
        ("stripe", "POST", "/v1/payment_intents", b"amount=1", "currency"),
        ("stripe", "POST", "/v1/visits", b"", "no such operation"),
        ("stripe", "GET", "/v1/refunds?colour=red", None, "colour"),
        (
            "stripe",
            "POST",
            "/v1/checkout/sessions",
            SESSION.replace(b"quantity]=1", b"quantity]=one"),
            "quantity",
        ),
        ("twilio", "POST", MESSAGES, b"From=%2B15005550006&Body=x", "To"),
        ("twilio", "POST", MESSAGES, SMS + b"&Text=x", "Text"),
        ("twilio", "POST", MESSAGES, SMS + b"&ValidityPeriod=long", "Validity"),
        ("twilio", "POST", MESSAGES, SMS + b"&ScheduleType=soon", "ScheduleType"),
        (
            "mailchimp",
            "PUT",
            MEMBER,
            {**JOINS, "status_if_new": "keen"},
            "status_if_new",
        ),
        ("mailchimp", "PUT", MEMBER, {**JOINS, "colour": "red"}, "colour"),
        ("mailchimp", "PUT", MEMBER, {**JOINS, "vip": "true"}, "vip"),
        ("mailchimp", "PATCH", "/3.0/ping", None, "no such operation"),
        ("mailchimp", "GET", "/3.0/ping", {"a": "b"}, "a body was sent"),
        ("mailchimp", "GET", "/3.0/search-members", None, "?query is missing"),
    ],
)
def test_a_bad_call_is_found(vendor, method, path, body, problem) -> None:
    assert problem in "; ".join(problems_of(vendor, method, path, body))


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(status=204), ""),
        (Reply(status=204, json={}), "has a body"),
        (Reply(status=201), "status 201 is not described"),
        (Reply(status=404, json={}), ""),
    ],
)
def test_a_status_that_is_not_described_is_found(reply, problem) -> None:
    path = f"{MESSAGES[:-5]}/SM{'0' * 32}.json"

    found = "; ".join(problems_of("twilio", "DELETE", path, None, reply))

    assert (problem in found) if problem else not found


@pytest.mark.parametrize(
    ("vendor", "path", "answer", "problem"),
    [
        ("stripe", "/v1/refunds/re_1", {"id": 5}, "5"),
        ("twilio", f"{MESSAGES[:-5]}/SM{'0' * 32}.json", {"status": "flown"}, "flown"),
        ("mailchimp", MEMBER, {"status": "keen"}, "keen"),
    ],
)
def test_a_bad_answer_is_found(vendor, path, answer, problem) -> None:
    found = problems_of(vendor, "GET", path, None, Reply(json=answer))

    assert problem in "; ".join(found)
