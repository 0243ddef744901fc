"""What happens in the house while deliveries are measured; a program with Django.

`python -m bench.telling subscribe URL ...` or `happen COUNT PER_SECOND` (0: at once).
Prints JSON: for each thing the time at which its event was committed.
"""

import json
import sys
import time

import django
from django.db import transaction
from django.utils import timezone

from config.local.processes import say


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


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "subscribe":
        subscribe(sys.argv[2:])
    else:
        told = happen(count=int(sys.argv[2]), per_second=float(sys.argv[3]))
        say(json.dumps(told))
