"""A visitor books; everybody who should hear of it does. Also when a worker dies."""

from functools import partial
from typing import Any

import httpx2
import pytest

from tests.chain.conftest import Stack, eventually

pytestmark = pytest.mark.race

SERVICE = "ac-tune-up"
PLACE = {"city": "Phoenix", "region": "AZ", "postal_code": "85016"}
_callers = iter(range(100, 200))


def leave_a_wish(stack: Stack) -> dict[str, Any]:
    """Send the public form as a new visitor."""
    number = next(_callers)
    answer = httpx2.post(
        f"{stack.url}/leads",
        json={
            "name": f"Visitor {number}",
            "phone": f"(602) 555-{number:04d}",
            "email": f"visitor{number}@example.com",
            "line1": f"{number} E Camelback Rd",
            "message": "The AC blows warm.",
            **PLACE,
        },
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def free_times(stack: Stack, **query: Any) -> list[str]:
    """Return the times that are true, the first one first."""
    params: dict[str, Any] = {
        "service": SERVICE,
        "postal_code": PLACE["postal_code"],
        "days": 14,
    }
    headers = query.pop("headers", {})
    answer = httpx2.get(
        f"{stack.url}/availability", params=params | query, headers=headers
    )
    return [slot["starts_at"] for slot in answer.json()["slots"]]


def book(stack: Stack, lead: dict[str, Any], starts_at: str) -> dict[str, Any]:
    """Book as the visitor who left the wish."""
    answer = httpx2.post(
        f"{stack.url}/appointments",
        json={
            "service": SERVICE,
            "starts_at": starts_at,
            "lead": lead["id"],
            "booking_token": lead["booking_token"],
        },
        headers={"Idempotency-Key": f"book-{lead['id']}"},
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def told(stack: Stack, visit: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the subscriber accepted about a visit, in order of arrival."""
    deliveries = httpx2.get(f"{stack.sandbox}/deliveries").json()["deliveries"]
    return [
        delivery
        for delivery in reversed(deliveries)
        if delivery["accepted"] and delivery["payload"]["data"].get("id") == visit["id"]
    ]


def names(deliveries: list[dict[str, Any]]) -> list[str]:
    return [delivery["payload"]["type"] for delivery in deliveries]


def statuses(deliveries: list[dict[str, Any]]) -> list[str]:
    return [delivery["payload"]["data"]["status"] for delivery in deliveries]


def messages(stack: Stack, visit: dict[str, Any], office: dict[str, str]) -> list[Any]:
    """Return the messages that were sent about a visit."""
    answer = httpx2.get(
        f"{stack.url}/notifications",
        params={"appointment": visit["id"], "state": "delivered"},
        headers=office,
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def step(stack: Stack, visit: dict[str, Any], to: str, office: dict[str, str]) -> None:
    answer = httpx2.post(
        f"{stack.url}/appointments/{visit['id']}/status",
        json={"status": to},
        headers=office,
    )
    assert answer.status_code == 200, answer.text


def give_to(
    stack: Stack, visit: dict[str, Any], technician: str, office: dict[str, str]
) -> None:
    answer = httpx2.post(
        f"{stack.url}/appointments/{visit['id']}/assign",
        json={"technician": technician},
        headers=office,
    )
    assert answer.status_code == 200, answer.text


def test_from_the_wish_to_the_finished_visit(stack) -> None:
    office, technician = stack.sign_in("dispatcher.phoenix"), stack.sign_in("tech")
    me = httpx2.get(f"{stack.url}/technicians", headers=technician).json()["results"]
    times = free_times(stack, technician=me[0]["id"], headers=office)

    visit = book(stack, leave_a_wish(stack), times[0])
    sent = eventually(
        lambda: (m := messages(stack, visit, office)) and len(m) == 2 and m,
        stack=stack,
        what="e-mail and SMS confirm the visit",
    )
    give_to(stack, visit, me[0]["id"], office)
    for to in ("en_route", "on_site", "completed"):
        step(stack, visit, to, technician)
    heard = eventually(
        lambda: (
            ((found := told(stack, visit)) and statuses(found)[-1:] == ["completed"])
            and found
        ),
        stack=stack,
        what="the subscriber hears of every step",
    )

    assert {message["channel"] for message in sent} == {"email", "sms"}
    assert names(heard)[0] == "appointment.booked"
    assert statuses(heard)[-3:] == ["en_route", "on_site", "completed"]
    assert all(delivery["verified"] for delivery in heard)
    history = httpx2.get(
        f"{stack.url}/appointments/{visit['id']}/history", headers=office
    ).json()
    assert [event["name"] for event in history] == names(heard)


def test_the_same_with_the_caller_killed_in_its_middle(stack) -> None:
    office = stack.sign_in("dispatcher.phoenix")
    # The subscriber is slow, so that the caller dies with a call under way.
    httpx2.post(f"{stack.sandbox}/mode", json={"mode": "slow"})

    visits = [book(stack, leave_a_wish(stack), free_times(stack)[0]) for _ in range(5)]
    step(stack, visits[0], "en_route", office)
    stack.kill("caller")
    step(stack, visits[0], "on_site", office)
    httpx2.post(f"{stack.sandbox}/mode", json={"mode": "ok"})
    stack.start("caller")
    step(stack, visits[0], "completed", office)

    def all_heard() -> bool:
        return all(told(stack, visit) for visit in visits) and names(
            told(stack, visits[0])
        )[-1:] == ["appointment.status_changed"]

    eventually(all_heard, stack=stack, what="every booking is told")
    heard = eventually(
        lambda: len(distinct(told(stack, visits[0]))) == 4 and told(stack, visits[0]),
        stack=stack,
        what="every step is told",
    )
    # The first is over by now: nobody is told any more that it was booked.
    for visit in visits[1:]:
        eventually(
            partial(is_confirmed, stack, visit, office),
            stack=stack,
            what="every confirmation is sent",
        )

    # At least once: what is repeated carries the id it had before.
    assert statuses(distinct(heard)) == [
        "scheduled",
        "en_route",
        "on_site",
        "completed",
    ]


def distinct(deliveries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return deliveries without repetitions, as a receiver knows them."""
    return list({delivery["id"]: delivery for delivery in deliveries}.values())


def is_confirmed(stack: Stack, visit: dict[str, Any], office: dict[str, str]) -> bool:
    """Tell whether e-mail and SMS have confirmed the visit."""
    about = [message["event_name"] for message in messages(stack, visit, office)]
    return about.count("appointment.booked") == 2
