"""Tell us what a fake vendor has to say: in order, again after a failure, or amiss."""

import heapq
import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from integrations.sandbox.faults import Faults, Kind
from integrations.sandbox.wire import SUCCESS, Callback

# Seconds after each failed try; what a vendor does not publish is our guess.
# ServiceTitan publishes its own, Mailchimp "at growing intervals over 75 minutes".
SCHEDULES: dict[str, tuple[float, ...]] = {
    "servicetitan": (10, 30, 60, 300),
    "housecallpro": (),
    "mailchimp": (60, 300, 900, 3240),
    "stripe": (60, 3600, 7200),
    "twilio": (0,),
}
TIMEOUTS = {"twilio": 15.0}
TIMEOUT = 10.0
REMEMBERED = 50

Told = Callable[[Callback, int | None], None]


@dataclass(order=True, slots=True)
class _Due:
    """A callback that waits for its moment."""

    at: float
    number: int
    callback: Callback = field(compare=False)
    attempt: int = field(compare=False, default=1)


class Sender:
    """Sends the callbacks of one vendor, one after the other, in a thread.

    A receiver that takes its time so delays this vendor's callbacks and no others.
    """

    def __init__(
        self, *, vendor: str, faults: Faults, pace: float, told: Told | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._schedule = [seconds * pace for seconds in SCHEDULES.get(vendor, ())]
        self._timeout = TIMEOUTS.get(vendor, TIMEOUT)
        self._faults = faults
        self._told = told
        self._queue: list[_Due] = []
        self._held: list[Callback] = []
        self._release_at: float | None = None
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._journal: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._under_way = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._vendor = vendor

    def send(self, callbacks: list[Callback]) -> None:
        """Queue these, each with what goes wrong with it."""
        with self._changed:
            for callback in callbacks:
                self._take(callback)
            if callbacks and self._thread is None and not self._closed:
                name = f"callbacks of {self._vendor}"
                self._thread = threading.Thread(
                    target=self._run, name=name, daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget what waits."""
        with self._changed:
            self._queue.clear()
            self._held.clear()
            self._release_at = None
            self._changed.notify_all()

    def close(self) -> None:
        """Stop; what waits is lost."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=self._timeout + 1)

    def wait_until_idle(self, *, seconds: float = 10.0) -> bool:
        """Wait until nothing waits or is under way; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._queue or self._held or self._under_way),
                timeout=seconds,
            )

    def as_json(self) -> dict[str, Any]:
        """Return what was told, the newest first, and how much waits."""
        with self._changed:
            return {
                "waiting": len(self._queue) + len(self._held),
                "counts": dict(self.counts),
                "last": list(self._journal),
            }

    def _take(self, callback: Callback) -> None:
        fault = self._faults.of_callback()
        if fault is None:
            self._push(callback)
        elif fault.kind is Kind.LOST_CALLBACKS:
            self._note(callback, attempt=0, status=None, said="lost")
        elif fault.kind is Kind.DUPLICATE_CALLBACKS:
            for _ in range(fault.times):
                self._push(callback)
        else:
            self._hold(callback, until_there_are=fault.times, seconds=fault.seconds)

    def _hold(
        self, callback: Callback, *, until_there_are: int, seconds: float
    ) -> None:
        """Hold it back for a while; the last of a handful goes first."""
        self._held.append(callback)
        if len(self._held) >= until_there_are:
            self._release()
        elif self._release_at is None:
            self._release_at = time.monotonic() + seconds

    def _release(self) -> None:
        self._release_at = None
        for held in reversed(self._held):
            self._push(held)
        self._held.clear()

    def _push(self, callback: Callback, *, after: float = 0, attempt: int = 1) -> None:
        due = _Due(time.monotonic() + after, next(self._numbers), callback, attempt)
        heapq.heappush(self._queue, due)

    def _run(self) -> None:
        with httpx2.Client(timeout=self._timeout) as client:
            while (due := self._next()) is not None:
                self._deliver(client, due)
                with self._changed:
                    self._under_way = False
                    self._changed.notify_all()

    def _next(self) -> _Due | None:
        """Wait for the next callback that is due; None once closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._release_at is not None and self._release_at <= now:
                    self._release()
                if self._queue and self._queue[0].at <= now:
                    self._under_way = True
                    return heapq.heappop(self._queue)
                moments = [due.at for due in self._queue[:1]]
                if self._release_at is not None:
                    moments.append(self._release_at)
                self._changed.wait(min(moments) - now if moments else None)
        return None

    def _deliver(self, client: httpx2.Client, due: _Due) -> None:
        status = _post(client, due.callback)
        good = status in SUCCESS
        said = "accepted" if good else "refused" if status else "unanswered"
        with self._changed:
            self._note(due.callback, attempt=due.attempt, status=status, said=said)
            if not good and due.attempt <= len(self._schedule):
                wait = self._schedule[due.attempt - 1]
                self._push(due.callback, after=wait, attempt=due.attempt + 1)
        if self._told is not None:
            self._told(due.callback, status)

    def _note(
        self, callback: Callback, *, attempt: int, status: int | None, said: str
    ) -> None:
        """Remember it, but not its address: that holds our token."""
        self.counts[said] += 1
        self._journal.appendleft(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": callback.method,
                "bytes": len(callback.body),
                "attempt": attempt,
                "status": status,
                "said": said,
            }
        )


def _post(client: httpx2.Client, callback: Callback) -> int | None:
    """Return the status that was answered; None: none was."""
    with suppress(httpx2.HTTPError, httpx2.InvalidURL):
        return client.request(
            callback.method,
            callback.url,
            content=callback.body,
            headers=dict(callback.headers),
        ).status_code
    return None
