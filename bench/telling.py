"""What happens in the house while deliveries are measured; a program with Django.

`python -m bench.telling subscribe URL ...`, `happen COUNT PER_SECOND` (0: at once) or
`book COUNT`. Prints JSON: for each thing the time at which its event was committed; for
each booking the seconds it took.
"""

import json
import re
import sys
import time
from http import HTTPStatus
from typing import Any

import django
from django.db import transaction
from django.utils import timezone

from config.local.processes import say

SERVICE, ZIP = "ac-tune-up", "85016"
WISH = {
    "line1": "4001 N 24th St",
    "city": "Phoenix",
    "region": "AZ",
    "postal_code": ZIP,
    "service": SERVICE,
}


def subscribe(urls: list[str]) -> None:
    """Let these URLs, and nobody else, hear of all events."""
    from core.actors import SYSTEM  # noqa: PLC0415  # Django must be ready first
    from integrations.models import WebhookEndpoint  # noqa: PLC0415
    from integrations.services import create_endpoint  # noqa: PLC0415

    WebhookEndpoint.objects.all().delete()
    for url in urls:
        create_endpoint(url=url, actor=SYSTEM, now=timezone.now())


def happen(*, count: int, per_second: float) -> dict[str, float]:
    """Let events happen, each to a thing of its own; return when they committed."""
    from core.actors import SYSTEM  # noqa: PLC0415
    from core.events import emit  # noqa: PLC0415
    from core.ids import uuid7  # noqa: PLC0415

    committed = {}
    begun = time.monotonic()
    for number in range(count):
        if per_second:
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        thing = uuid7()
        with transaction.atomic():
            emit(
                "lead.updated",
                of=("lead", thing),
                actor=SYSTEM,
                now=timezone.now(),
                data={"status": "contacted", "changed": ["status"]},
            )
        committed[str(thing)] = time.time()
    return committed


def book(*, count: int) -> list[float]:
    """Book visits of the demo company as its website would; return the seconds."""
    from django.test import Client  # noqa: PLC0415

    client, api, took = Client(SERVER_NAME="127.0.0.1"), "/api/v1", []
    for number in range(count):
        wish = WISH | {"phone": f"602-555-{1000 + number}", "name": f"Robin {number}"}
        lead = _posted(client, f"{api}/leads", wish)
        times = client.get(
            f"{api}/availability",
            {"service": SERVICE, "postal_code": ZIP, "days": "14"},
        ).json()
        booking = {
            "lead": lead["id"],
            "booking_token": lead["booking_token"],
            "service": SERVICE,
            "starts_at": _first_start(times),
        }
        begun = time.monotonic()
        _posted(client, f"{api}/appointments", booking)
        took.append(round(time.monotonic() - begun, 4))
    return took


def _posted(client: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json.dumps(body), content_type="application/json")
    if answer.status_code != HTTPStatus.CREATED:
        raise SystemExit(f"{path}: {answer.status_code} {answer.content!r}")
    made: dict[str, Any] = answer.json()
    return made


def _first_start(times: Any) -> str:
    found = re.search(r'"starts_at": ?"([^"]+)"', json.dumps(times))
    if found is None:
        raise SystemExit(f"No slots: {times}")
    return found[1]


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "subscribe":
        subscribe(sys.argv[2:])
    elif sys.argv[1] == "book":
        say(json.dumps(book(count=int(sys.argv[2]))))
    else:
        told = happen(count=int(sys.argv[2]), per_second=float(sys.argv[3]))
        say(json.dumps(told))
