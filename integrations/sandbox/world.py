"""The sandbox world: the fake vendors, what was asked of them, and what goes wrong."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol, runtime_checkable

from integrations.sandbox.callbacks import Sender
from integrations.sandbox.faults import STATUSES, Faults, Kind, RetryAfter, Rule
from integrations.sandbox.housecallpro import HousecallPro
from integrations.sandbox.mailchimp import Mailchimp
from integrations.sandbox.servicetitan import ServiceTitan
from integrations.sandbox.stripe import Stripe
from integrations.sandbox.twilio import Twilio
from integrations.sandbox.wire import Callback, Reply, Request, Vendor

VENDORS: Mapping[str, Callable[[], Vendor]] = {
    "servicetitan": ServiceTitan,
    "housecallpro": HousecallPro,
    "mailchimp": Mailchimp,
    "twilio": Twilio,
    "stripe": Stripe,
}
REMEMBERED = 100
AT_A_GLANCE = 40
_PAGE = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>502 Bad Gateway</h1></body></html>"
)


@runtime_checkable
class Listening(Protocol):
    """A vendor that wants to know how its callback was answered."""

    def told(self, callback: Callback, *, status: int | None) -> None:
        """Take note of the status; None: there was no answer."""


@runtime_checkable
class Forgetful(Protocol):
    """A vendor whose changes may move no time of change: it asks its faults."""

    faults: Faults


@runtime_checkable
class Counting(Protocol):
    """A vendor that can count what it keeps without a copy of all of it."""

    def things(self) -> dict[str, int]:
        """Return how many of each kind there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the caller of a vendor gets."""

    reply: Reply | None
    """None: the connection is closed without an answer."""
    reset: bool = False
    cut_short: bool = False
    """Only the first half of the body, and not a word about it."""


@dataclass(slots=True, kw_only=True)
class Place:
    """One vendor in the world, and all about it."""

    vendor: Vendor
    faults: Faults
    sender: Sender
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    journal: deque[dict[str, Any]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED)
    )
    counts: Counter[str] = field(default_factory=Counter)


class World:
    """All vendors. Safe to use from many threads.

    `pace` scales the times after which vendors tell us again: 0.01 makes the five
    minutes of the last try three seconds.
    """

    def __init__(
        self, *, pace: float = 1.0, vendors: Mapping[str, Vendor] | None = None
    ) -> None:
        if vendors is None:
            vendors = {name: build() for name, build in VENDORS.items()}
        self.places = {
            name: _place(name, vendor, pace=pace) for name, vendor in vendors.items()
        }
        self._guard = threading.Lock()

    def call(self, name: str, request: Request) -> Outcome:
        """Let a vendor answer a call, or fail to."""
        place = self.places[name]
        with self._under_way(place) as at_once:
            time.sleep(place.faults.lateness(request))
            fault = place.faults.answering(request)
            outcome = _answer(place, replace(request, at_once=at_once), fault)
            self._note(place, request, outcome, fault)
            return outcome

    def act(self, name: str, act: str, arguments: Mapping[str, Any]) -> int:
        """Let a person do something in the vendor's app; return how often we are told.

        Raises:
            ValueError: the vendor knows no such act, or not with these arguments.
        """
        place = self.places[name]
        with place.lock:
            callbacks = place.vendor.act(act, arguments)
            place.sender.send(callbacks)
        return len(callbacks)

    def clear(self, name: str) -> None:
        """Let a vendor forget everything, and heal its faults."""
        place = self.places[name]
        place.faults.put()
        place.sender.clear()
        with place.lock:
            place.vendor.clear()
        with self._guard:
            place.journal.clear()
            place.counts.clear()
            place.sender.counts.clear()

    def close(self) -> None:
        """Stop telling anybody anything."""
        for place in self.places.values():
            place.sender.close()

    def as_json(self) -> dict[str, Any]:
        """Return a summary of each vendor."""
        return {name: self.of(name, whole=False) for name in self.places}

    def of(self, name: str, *, whole: bool = True) -> dict[str, Any]:
        """Return all about one vendor, what it keeps in numbers only unless `whole`."""
        place = self.places[name]
        with place.lock:
            things = _things(place.vendor)
            state = {"state": place.vendor.state()} if whole else {}
        with self._guard:
            journal, counts = list(place.journal), dict(place.counts)
        return {
            "things": things,
            "counts": counts,
            "faults": place.faults.as_json(),
            "calls": journal if whole else journal[:AT_A_GLANCE],
            "callbacks": place.sender.as_json(),
            **state,
        }

    @contextmanager
    def _under_way(self, place: Place) -> Iterator[int]:
        """Count the call while it is under way; yield how many are."""
        with self._guard:
            place.at_once += 1
            at_once = place.at_once
        try:
            yield at_once
        finally:
            with self._guard:
                place.at_once -= 1

    def _note(
        self, place: Place, request: Request, outcome: Outcome, fault: Rule | None
    ) -> None:
        status = outcome.reply.status if outcome.reply else None
        with self._guard:
            place.counts["calls"] += 1
            place.counts[f"answered {status}" if status else "cut"] += 1
            if fault is not None:
                place.counts[f"fault {fault.kind}"] += 1
            place.journal.appendleft(
                {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "method": request.method,
                    "path": request.path,
                    "query": request.query,
                    "status": status,
                    "fault": fault and fault.kind,
                    "request_id": request.headers.get("x-request-id", "")[:64],
                }
            )


def _things(vendor: Vendor) -> dict[str, int]:
    if isinstance(vendor, Counting):
        return vendor.things()
    kept = vendor.state().items()
    return {name: len(many) for name, many in kept if isinstance(many, list | dict)}


def _place(name: str, vendor: Vendor, *, pace: float) -> Place:
    faults = vendor.faults if isinstance(vendor, Forgetful) else Faults()

    def told(callback: Callback, status: int | None) -> None:
        if isinstance(vendor, Listening):
            with place.lock:
                vendor.told(callback, status=status)

    sender = Sender(vendor=name, faults=faults, pace=pace, told=told)
    place = Place(vendor=vendor, faults=faults, sender=sender)
    return place


def _answer(place: Place, request: Request, fault: Rule | None) -> Outcome:
    """Answer a call as the fault will have it."""
    if fault is None or _has_effect(fault):
        with place.lock:
            reply, callbacks = place.vendor.handle(request)
            place.sender.send(callbacks)  # under the lock: in the order of the changes
        return Outcome(reply=reply) if fault is None else _spoilt(reply, fault)
    return _refused(fault)


def _has_effect(fault: Rule) -> bool:
    return fault.handled or fault.kind in {
        Kind.CUT_AFTER,
        Kind.TRUNCATED,
        Kind.GARBAGE,
    }


def _spoilt(reply: Reply, fault: Rule) -> Outcome:
    """Return what is left of an answer to a call that had its effect."""
    if fault.kind is Kind.CUT_AFTER:
        return Outcome(reply=None)
    if fault.kind is Kind.TRUNCATED:
        return Outcome(reply=reply, cut_short=True)
    if fault.kind is Kind.GARBAGE:
        return Outcome(reply=Reply(json={}))
    return _refused(fault)


def _refused(fault: Rule) -> Outcome:
    """Return the answer to a call that nobody handled."""
    if fault.kind is Kind.CUT_BEFORE or (fault.kind is Kind.DOWN and fault.reset):
        return Outcome(reply=None, reset=fault.reset)
    if fault.kind is Kind.THROTTLE:
        return Outcome(reply=_throttled(fault))
    if fault.kind is Kind.UNAUTHORIZED:
        problem = {"title": "Unauthorized", "status": 401, "message": "Unauthorized"}
        return Outcome(reply=Reply(status=401, json=problem))
    status = fault.status or STATUSES[fault.kind]
    if fault.kind is Kind.HTML:
        headers = {"Content-Type": "text/html"}
        return Outcome(reply=Reply(status=status, body=_PAGE, headers=headers))
    problem = {"title": "Something went wrong.", "status": status}
    return Outcome(reply=Reply(status=status, json=problem))


def _throttled(fault: Rule) -> Reply:
    """Return a 429; its title names the seconds as ServiceTitan's does."""
    seconds = round(fault.seconds)
    title = f"Rate limit is exceeded. Try again in {seconds} seconds."
    back = datetime.fromtimestamp(time.time() + fault.seconds, UTC)
    form = {
        RetryAfter.SECONDS: str(seconds),
        RetryAfter.DATE: format_datetime(back, usegmt=True),
        RetryAfter.RUBBISH: "soon, surely",
    }
    headers = (
        {"Retry-After": form[fault.retry_after]} if fault.retry_after in form else {}
    )
    return Reply(status=429, json={"status": 429, "title": title}, headers=headers)


def body_of(outcome: Outcome) -> bytes:
    """Return the bytes of an answer, as many as there are to be."""
    reply = outcome.reply
    if reply is None:
        return b""
    body = reply.body if reply.body is not None else b""
    if reply.body is None and reply.json is not None:
        body = json.dumps(reply.json).encode()
    return body[: len(body) // 2] if outcome.cut_short else body
