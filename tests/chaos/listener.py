"""A subscriber that counts: every delivery, by its webhook-id and by its event."""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.inbox import Delivery, Inbox, Verdict

Told = tuple[str, int]
"""An event, as its thing and its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The first time that an event came."""

    webhook_id: str
    at: float
    seconds: float
    """Since it happened."""


class Listener(Inbox):
    """Remembers all of it, where the sandbox's own page shows the last."""

    def __init__(self, *, secret: str) -> None:
        super().__init__(secret=secret)
        self.first: dict[Told, Heard] = {}
        self.ids: Counter[str] = Counter()
        self.unsigned = 0
        self.under_two_ids: list[Told] = []
        self.out_of_order: list[Told] = []
        self._highest: dict[str, int] = {}
        self._guard = threading.Lock()

    def receive(
        self, *, body: bytes, headers: dict[str, str]
    ) -> tuple[Delivery, Verdict]:
        delivery, verdict = super().receive(body=body, headers=headers)
        with self._guard:
            self._note(delivery)
        return delivery, verdict

    def _note(self, delivery: Delivery) -> None:
        self.unsigned += not delivery.verified
        self.ids[delivery.id] += 1
        about = delivery.payload.get("data", {})
        thing, number = str(about.get("id")), int(about.get("event_number", 0))
        told = (thing, number)
        known = self.first.get(told)
        if known is not None:
            if known.webhook_id != delivery.id:
                self.under_two_ids.append(told)
            return
        if number < self._highest.get(thing, 0):
            self.out_of_order.append(told)
        self._highest[thing] = max(number, self._highest.get(thing, 0))
        now = time.time()
        happened = datetime.fromisoformat(delivery.payload["timestamp"]).timestamp()
        self.first[told] = Heard(webhook_id=delivery.id, at=now, seconds=now - happened)
