"""What Stripe answers to."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from typing import Any

from integrations.sandbox.routes import answering, play
from integrations.sandbox.stripe import (
    checkout,
    endpoints,
    forms,
    lists,
    page,
    payments,
    refunds,
)
from integrations.sandbox.stripe.errors import StripeError, no_such
from integrations.sandbox.stripe.ledger import VERSION, Ledger, Thing
from integrations.sandbox.stripe.people import ACTS
from integrations.sandbox.wire import Callback, Reply, Request

KEY = "sk_test_5a4d0b0c5a4d0b0c5a4d0b0c"
LONGEST_IDEMPOTENCY_KEY = 255
KEPT_SECONDS = 24 * 3600

_LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "checkout/sessions": ("checkout.session", ("payment_intent", "customer", "status")),
    "payment_intents": ("payment_intent", ("customer",)),
    "charges": ("charge", ("payment_intent", "customer")),
    "refunds": ("refund", ("payment_intent", "charge")),
    "disputes": ("dispute", ("payment_intent", "charge")),
    "events": ("event", ("type", "types")),
    "webhook_endpoints": ("webhook_endpoint", ()),
}
_ACCOUNT = {
    "id": "acct_5a4d0b0c5a4d0b0c",
    "object": "account",
    "charges_enabled": True,
    "country": "US",
    "default_currency": "usd",
}
_BALANCE = {"object": "balance", "available": [], "pending": [], "livemode": False}

Sent = dict[str, Any]
Answer = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was answered under an idempotency key."""

    asked: tuple[str, list[tuple[str, str]]]
    reply: Reply
    until: int


class Stripe:
    """The account, in test mode."""

    name = "stripe"

    def __init__(
        self,
        *,
        key: str = KEY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        search_lag: int = 0,
    ) -> None:
        """Make an empty one.

        Searches find what is older than `search_lag` seconds; Stripe itself promises
        to find it within a minute, usually.
        """
        self._search_lag = search_lag
        self._first_key = key
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._key = self._first_key
        self._ledger = Ledger(self._clock)
        self._kept: dict[str, _Kept] = {}
        self._routes = self._changes() | self._reads()

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        checkout.expire_due(self._ledger)
        head = {
            "Request-Id": f"req_{token_hex(7)}",
            "Stripe-Version": request.headers.get("stripe-version", VERSION),
        }
        try:
            if request.path.startswith(page.PATH):  # a customer's browser has no key
                reply = page.answer(self._ledger, request)
            else:
                self._admit(request)
                reply = self._once(request, head["Request-Id"])
        except StripeError as error:
            reply = error.reply()
        reply = replace(reply, headers=head | dict(reply.headers))
        return reply, self._ledger.take_outgoing()

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        """Play an act of `people`; `replace_key` takes the new `key`."""
        checkout.expire_due(self._ledger)
        acts: dict[str, Callable[..., None]] = {"replace_key": self._replace_key}
        acts |= {each: partial(then, self._ledger) for each, then in ACTS.items()}
        try:
            play(acts, name, arguments)
        except StripeError as error:
            raise ValueError(str(error)) from error
        return self._ledger.take_outgoing()

    def state(self) -> dict[str, Any]:
        return {
            kind: [lists.expanded(self._ledger, each, []) for each in kept.values()]
            for kind, kept in self._ledger.things.items()
        }

    def _replace_key(self, key: str) -> None:
        self._key = key

    def _admit(self, request: Request) -> None:
        if "host" in request.headers:  # customers pay where we are called
            pages = f"http://{request.headers['host']}/{self.name}{page.PATH}"
            self._ledger.pages = pages.rstrip("/")
        key = _key_of(request.headers.get("authorization", ""))
        if key != self._key:
            said = "No API key was given." if not key else "Invalid API Key provided."
            raise StripeError(said, status=401)

    def _once(self, request: Request, request_id: str) -> Reply:
        """Answer, but a POST with a key that is known as it was answered before."""
        key = request.headers.get("idempotency-key", "")
        if request.method != "POST" or not key:
            return self._answered(request, request_id, None)
        if len(key) > LONGEST_IDEMPOTENCY_KEY:
            raise StripeError(f"At most {LONGEST_IDEMPOTENCY_KEY} characters.")
        asked = (request.path, sorted(_pairs(request)))
        kept = self._kept.get(key)
        if kept is not None and self._ledger.now() < kept.until:
            if kept.asked != asked:
                raise StripeError(
                    "A key for idempotent requests goes with the same parameters only.",
                    kind="idempotency_error",
                )
            return _replayed(kept.reply)
        reply, is_kept = self._tried(request, request_id, key)
        head = {"Idempotency-Key": key, "Original-Request": request_id}
        reply = Reply(status=reply.status, json=reply.json, headers=head)
        if is_kept:
            until = self._ledger.now() + KEPT_SECONDS
            self._kept[key] = _Kept(asked, reply, until)
        return reply

    def _tried(self, request: Request, request_id: str, key: str) -> tuple[Reply, bool]:
        """Answer, and tell whether to keep it: what is refused for its form is not."""
        try:
            return self._answered(request, request_id, key), True
        except StripeError as error:
            return error.reply(), error.is_kept

    def _answered(self, request: Request, request_id: str, key: str | None) -> Reply:
        self._ledger.request = {"id": request_id, "idempotency_key": key}
        try:
            path = request.path.removeprefix("/v1")
            answer = answering(self._routes, method=request.method, path=path)
            if answer is None:
                raise no_such("route", f"{request.method} {request.path}", param="")
            sent = forms.nested(_pairs(request))
            paths = sent.get("expand", [])
            return Reply(json=lists.expanded(self._ledger, answer(sent), paths))
        finally:
            self._ledger.request = {}

    def _changes(self) -> dict[str, Answer]:
        """Return what each POST and DELETE does."""
        books = self._ledger

        def to(kind: str, change: Answer) -> Answer:
            """Let a call change the object that its path names."""
            return lambda name, sent: change(books, books.get(kind, name), sent)

        intent, endpoint = "payment_intent", "webhook_endpoint"
        return {
            "POST /checkout/sessions": partial(checkout.create, books),
            "POST /checkout/sessions/{}/expire": to("checkout.session", _expire),
            "POST /payment_intents": partial(payments.create, books),
            "POST /payment_intents/{}": to(intent, payments.update),
            "POST /payment_intents/{}/confirm": to(intent, _confirm),
            "POST /payment_intents/{}/capture": to(intent, payments.capture),
            "POST /payment_intents/{}/cancel": to(intent, _cancel),
            "POST /refunds": partial(refunds.create, books),
            "POST /refunds/{}": to("refund", refunds.update),
            "POST /webhook_endpoints": partial(endpoints.create, books),
            "POST /webhook_endpoints/{}": to(endpoint, endpoints.update),
            "DELETE /webhook_endpoints/{}": to(
                endpoint, lambda ledger, thing, _: endpoints.delete(ledger, thing)
            ),
        }

    def _reads(self) -> dict[str, Answer]:
        """Return what each GET shows."""
        routes: dict[str, Answer] = {
            "GET /account": lambda _: _ACCOUNT,
            "GET /balance": lambda _: _BALANCE,
            "GET /payment_intents/search": self._search,
        }
        for path, (kind, filters) in _LISTS.items():
            routes[f"GET /{path}"] = partial(self._list, path, kind, filters)
            routes[f"GET /{path}/{{}}"] = partial(self._read, kind)
        return routes

    def _list(self, path: str, kind: str, filters: tuple[str, ...], sent: Sent) -> Any:
        things = list(self._ledger.things[kind].values())
        return lists.listed(things, sent, filters=filters, url=f"/v1/{path}")

    def _read(self, kind: str, name: str, sent: Sent) -> Thing:
        forms.read(sent, {"expand": forms.anything, "client_secret": forms.text})
        return self._ledger.get(kind, name)

    def _search(self, sent: Sent) -> Any:
        newest = self._ledger.now() - self._search_lag
        things = self._ledger.things["payment_intent"].values()
        return lists.searched(
            [each for each in things if each["created"] <= newest], sent
        )


def _pairs(request: Request) -> list[tuple[str, str]]:
    if request.method != "POST":
        return request.params
    try:
        return request.form()
    except UnicodeDecodeError as error:
        raise StripeError("The body is not UTF-8.") from error


def _expire(ledger: Ledger, session: Thing, sent: Sent) -> Thing:
    forms.read(sent, {"expand": forms.anything})
    return checkout.expire(ledger, session)


def _confirm(ledger: Ledger, intent: Thing, sent: Sent) -> Thing:
    told = forms.read(sent, {**payments.FIELDS, "client_secret": forms.text})
    checkout.check_is_free(ledger, intent)
    return payments.confirm(ledger, intent, told.get("payment_method"))


def _cancel(ledger: Ledger, intent: Thing, sent: Sent) -> Thing:
    checkout.check_is_free(ledger, intent)
    return payments.cancel(ledger, intent, sent)


def _replayed(reply: Reply) -> Reply:
    headers = {**reply.headers, "Idempotent-Replayed": "true"}
    return Reply(status=reply.status, json=reply.json, headers=headers)


def _key_of(authorization: str) -> str:
    """Return the key, of a Bearer or the user of Basic."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
