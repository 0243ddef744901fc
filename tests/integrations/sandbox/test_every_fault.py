"""Every fault at every vendor: what the caller sees, and what the vendor has done."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from integrations.sandbox import housecallpro, mailchimp, servicetitan, stripe, twilio
from integrations.sandbox.faults import OF_ANSWERS, Kind, Rule
from integrations.sandbox.server import Running, running_world

# What a caller can tell, and how often the work was done.
SEEN: dict[str, tuple[Rule, Any, int]] = {
    "nothing": (Rule(kind=Kind.SLOW, seconds=0), "good", 1),
    "throttle": (Rule(kind=Kind.THROTTLE), 429, 0),
    "error": (Rule(kind=Kind.ERROR, status=503), 503, 0),
    "late error": (Rule(kind=Kind.ERROR, status=504, handled=True), 504, 1),
    "cut before": (Rule(kind=Kind.CUT_BEFORE), httpx2.RemoteProtocolError, 0),
    "cut after": (Rule(kind=Kind.CUT_AFTER), httpx2.RemoteProtocolError, 1),
    "truncated": (Rule(kind=Kind.TRUNCATED), "no JSON", 1),
    "page": (Rule(kind=Kind.HTML), 502, 0),
    "page that says all is well": (Rule(kind=Kind.HTML, status=200), "no JSON", 0),
    "key": (Rule(kind=Kind.UNAUTHORIZED), 401, 0),
    "garbage": (Rule(kind=Kind.GARBAGE), "no id", 1),
    "outage": (Rule(kind=Kind.DOWN), 503, 0),
    "reset": (Rule(kind=Kind.DOWN, reset=True), httpx2.TransportError, 0),
}

Create = Callable[[Running], httpx2.Response]


def basic(user: str, key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{key}'.encode()).decode()}"}


def book_at_servicetitan(running: Running) -> httpx2.Response:
    url = running.at("servicetitan")
    form = {
        "grant_type": "client_credentials",
        "client_id": servicetitan.CLIENT_ID,
        "client_secret": servicetitan.CLIENT_SECRET,
    }
    token = httpx2.post(f"{url}/connect/token", data=form).json()["access_token"]
    return httpx2.post(
        f"{url}/crm/v2/tenant/{servicetitan.TENANT}/booking-provider/5/bookings",
        headers={
            "ST-App-Key": servicetitan.APP_KEY,
            "Authorization": f"Bearer {token}",
        },
        json={
            "source": "Fieldbook",
            "name": "Robin Reyes",
            "summary": "No cooling",
            "isFirstTimeClient": True,
            "externalId": "lead-1",
        },
    )


def customer_at_housecall(running: Running) -> httpx2.Response:
    return httpx2.post(
        f"{running.at('housecallpro')}/customers",
        headers={"Authorization": f"Token {housecallpro.COMPANY_KEY}"},
        json={"first_name": "Robin"},
    )


def member_at_mailchimp(running: Running) -> httpx2.Response:
    list_id = mailchimp.LIST
    return httpx2.post(
        f"{running.at('mailchimp')}/3.0/lists/{list_id}/members",
        headers=basic("any", mailchimp.KEY),
        json={"email_address": "robin@gmail.com", "status": "subscribed"},
    )


def text_at_twilio(running: Running) -> httpx2.Response:
    account = twilio.ACCOUNT
    return httpx2.post(
        f"{running.at('twilio')}/2010-04-01/Accounts/{account}/Messages.json",
        headers=basic(account, twilio.KEY),
        data={"To": "+16025550147", "From": twilio.NUMBER, "Body": "On our way"},
    )


def intent_at_stripe(running: Running) -> httpx2.Response:
    return httpx2.post(
        f"{running.at('stripe')}/v1/payment_intents",
        headers={"Authorization": f"Bearer {stripe.KEY}"},
        data={"amount": "5000", "currency": "usd"},
    )


# How to make one thing, under which name it is counted, and what its id is called.
MAKERS: dict[str, tuple[Create, str, str]] = {
    "servicetitan": (book_at_servicetitan, "bookings", "id"),
    "housecallpro": (customer_at_housecall, "customers", "id"),
    "mailchimp": (member_at_mailchimp, "members", "id"),
    "twilio": (text_at_twilio, "messages", "sid"),
    "stripe": (intent_at_stripe, "payment_intent", "id"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_world() as there:
        yield there


@pytest.mark.parametrize("fault", SEEN)
@pytest.mark.parametrize("vendor", MAKERS)
def test_a_fault_at_a_vendor(running, vendor, fault) -> None:
    running.world.clear(vendor)
    create, counted, identity = MAKERS[vendor]
    rule, seen, done = SEEN[fault]
    path = "/crm" if vendor == "servicetitan" else ""  # its token is asked for before
    running.world.places[vendor].faults.put(replace(rule, path=path))

    outcome = _outcome(create, running, identity)

    things = running.world.of(vendor, whole=False)["things"]
    assert things.get(counted, 0) == done
    assert outcome == seen or (isinstance(outcome, type) and issubclass(outcome, seen))


def test_no_fault_of_an_answer_is_left_out() -> None:
    assert {rule.kind for rule, _seen, _done in SEEN.values()} == OF_ANSWERS | {
        Kind.SLOW
    }


def _outcome(create: Create, running: Running, identity: str) -> Any:
    """Return what the caller can tell."""
    try:
        answer = create(running)
    except httpx2.TransportError as error:
        return type(error)
    if answer.status_code >= 300:
        return answer.status_code
    try:
        told = answer.json()
    except ValueError:
        return "no JSON"
    return "good" if told.get(identity) else "no id"
