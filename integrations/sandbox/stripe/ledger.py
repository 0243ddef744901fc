"""All that a Stripe account keeps, and what it tells of each change."""

import hmac
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any

from integrations.sandbox.stripe.errors import StripeError, no_such
from integrations.sandbox.stripe.forms import MOST_KEYS
from integrations.sandbox.wire import Callback

VERSION = "2026-10-28.endive"
PREFIXES = {
    "checkout.session": "cs_test_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "refund": "re_",
    "dispute": "dp_",
    "event": "evt_",
    "webhook_endpoint": "we_",
}
Thing = dict[str, Any]


def signature(body: bytes, *, at: int, secrets: list[str]) -> str:
    """Return the signature of an event: one for each secret that holds."""
    text = f"{at}.".encode() + body
    signed = [hmac.digest(each.encode(), text, "sha256").hex() for each in secrets]
    return ",".join([f"t={at}", *(f"v1={each}" for each in signed)])


@dataclass(slots=True)
class Ledger:
    """Objects by kind and id, the newest last, and callbacks that wait to go out."""

    clock: Callable[[], datetime]
    things: dict[str, dict[str, Thing]] = field(
        default_factory=lambda: {kind: {} for kind in PREFIXES}
    )
    secrets: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    """Of each endpoint, with the second in which each ends."""
    outgoing: list[Callback] = field(default_factory=list)
    pages: str = "https://checkout.stripe.com/c/pay"
    """Where the pages stand on which customers pay."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Id and idempotency key of the call that is being answered."""

    def now(self) -> int:
        """Return the time as Stripe tells it."""
        return int(self.clock().timestamp())

    def add(self, kind: str, **told: Any) -> Thing:
        """Keep a new object."""
        thing = {
            "id": f"{PREFIXES[kind]}{token_hex(12)}",
            "object": kind,
            "created": self.now(),
            "livemode": False,
            **told,
        }
        self.things[kind][thing["id"]] = thing
        return thing

    def get(self, kind: str, name: Any, *, param: str = "id") -> Thing:
        """Return an object.

        Raises:
            StripeError: there is none.
        """
        thing = self.things[kind].get(str(name))
        if thing is None:
            raise no_such(kind.replace(".", " "), str(name), param=param)
        return thing

    def find(self, name: Any) -> Thing | None:
        """Return an object of any kind."""
        for kept in self.things.values():
            if isinstance(name, str) and name in kept:
                return kept[name]
        return None

    def emit(self, kind: str, thing: Thing, **previous: Any) -> None:
        """Write an event, and tell the endpoints that want to hear of it."""
        listening = [
            endpoint
            for endpoint in self.things["webhook_endpoint"].values()
            if endpoint["status"] == "enabled"
            and {"*", kind} & set(endpoint["enabled_events"])
        ]
        data = {"object": deepcopy(thing)}
        event = self.add(
            "event",
            api_version=VERSION,
            data=data | ({"previous_attributes": previous} if previous else {}),
            pending_webhooks=len(listening),
            request={"id": None, "idempotency_key": None, **self.request},
            type=kind,
        )
        for endpoint in listening:
            self.outgoing.append(self._callback(endpoint, event))

    def _callback(self, endpoint: Thing, event: Thing) -> Callback:
        body = json.dumps(event, separators=(",", ":")).encode()
        now = self.now()
        secrets = [
            secret
            for secret, ends in self.secrets[endpoint["id"]]
            if ends is None or now < ends
        ]
        return Callback(
            url=endpoint["url"],
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": signature(body, at=now, secrets=secrets),
            },
            body=body,
        )

    def roll(self, endpoint: Thing, *, keep_seconds: int, secret: str = "") -> str:
        """Give an endpoint a new secret; the old one signs too for a while."""
        ends = self.now() + keep_seconds
        before = self.secrets.get(endpoint["id"], [])
        kept = [(secret, min(ends, end or ends)) for secret, end in before]
        secret = secret or f"whsec_{token_hex(16)}"
        self.secrets[endpoint["id"]] = [(secret, None), *kept]
        return secret

    def take_outgoing(self) -> list[Callback]:
        """Return the callbacks that wait, once."""
        outgoing, self.outgoing = self.outgoing, []
        return outgoing


def merge_metadata(thing: Thing, told: Mapping[str, Any]) -> None:
    """Take on notes key by key; a blank value takes a key away.

    Raises:
        StripeError: there would be too many.
    """
    if "metadata" not in told:
        return
    merged = thing["metadata"] | told["metadata"]
    merged = {key: value for key, value in merged.items() if value}
    if len(merged) > MOST_KEYS:
        raise StripeError(f"At most {MOST_KEYS} keys are kept.", param="metadata")
    thing["metadata"] = merged if told["metadata"] else {}
