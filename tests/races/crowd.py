"""A crowd of clients, each with a connection of its own, and what they can ask."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

# No answer may take longer, however large the crowd and busy the machine.
NEVER_LONGER = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request that somebody makes."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    moment: datetime | None = None  # when to ask; else at once

    def at(self, moment: datetime) -> "Call":
        """Return the same call, made at that moment and not before."""
        return replace(self, moment=moment)

    def with_headers(self, **headers: str) -> "Call":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers=self.headers | named)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    headers: dict[str, str]
    content: bytes
    seconds: float
    call: Call

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of a problem; of what went well, nothing."""
        return "" if self.status < 400 else str(self.json()["code"])

    @property
    def is_replayed(self) -> bool:
        return "idempotent-replayed" in self.headers


class Crowd:
    """Clients of one server, signed in with the same token."""

    def __init__(self, port: int, *, token: str) -> None:
        self._port = port
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }

    def at_once(self, calls: Sequence[Call]) -> list[Answer]:
        """Make all the calls at the same moment, each by a client of its own."""
        barrier = Barrier(len(calls))

        def make(call: Call) -> Answer:
            client = HTTPConnection("127.0.0.1", self._port, timeout=NEVER_LONGER)
            client.connect()
            barrier.wait()
            if call.moment is not None:
                wait = (call.moment - datetime.now(UTC)).total_seconds()
                time.sleep(max(0.0, wait))
            try:
                return self._ask(client, call)
            finally:
                client.close()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(make, calls))

    def ask(self, call: Call) -> Answer:
        """Make one call."""
        return self.at_once([call])[0]

    def _ask(self, client: HTTPConnection, call: Call) -> Answer:
        body = None if call.body is None else json.dumps(call.body)
        began = time.monotonic()
        client.request(
            call.method, f"/api/v1{call.path}", body, self._headers | call.headers
        )
        response = client.getresponse()
        content = response.read()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            content=content,
            seconds=time.monotonic() - began,
            call=call,
        )


def tally(answers: Sequence[Answer]) -> Counter[int | str]:
    """Count answers: what went well by its status, a refusal by its code."""
    return Counter(answer.code or answer.status for answer in answers)


# --- What can be asked --------------------------------------------------------


def booking(*, service: str, address: UUID, at: datetime, **given: Any) -> Call:
    body = {"service": service, "property": str(address), "starts_at": at.isoformat()}
    return Call("POST", "/appointments", body | given)


def reschedule(visit: UUID, *, to: datetime, **given: Any) -> Call:
    body = {"starts_at": to.isoformat()} | given
    return Call("POST", f"/appointments/{visit}/reschedule", body)


def assign(visit: UUID, *, technician: UUID) -> Call:
    body = {"technician": str(technician)}
    return Call("POST", f"/appointments/{visit}/assign", body)


def unassign(visit: UUID) -> Call:
    return Call("POST", f"/appointments/{visit}/unassign", {})


def cancel(visit: UUID) -> Call:
    return Call("POST", f"/appointments/{visit}/cancel", {"reason": "Called it off"})


def approve(visit: UUID) -> Call:
    return Call("POST", f"/appointments/{visit}/approve", {})


def swap(first: UUID, second: UUID, **given: Any) -> Call:
    body = {"first": str(first), "second": str(second)}
    return Call("POST", "/appointments/swap", body | given)


def hold(*, service: str, postal_code: str, at: datetime, **given: Any) -> Call:
    """Return the call of a visitor of his own, unless he is `given`."""
    body = {"service": service, "postal_code": postal_code, "starts_at": at.isoformat()}
    return Call("POST", "/holds", body | {"visitor": str(uuid4())} | given)


def release(kept: Answer) -> Call:
    token = kept.json()["token"]
    return Call("DELETE", f"/holds/{kept.json()['id']}", None, {"X-Hold-Token": token})


def step(visit: UUID, *, to: str) -> Call:
    return Call("POST", f"/appointments/{visit}/status", {"status": to})


def time_off(
    technician: UUID, *, starts_at: datetime, ends_at: datetime, **given: Any
) -> Call:
    body = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    return Call("POST", f"/technicians/{technician}/time-off", body | given)


def day_off(technician: UUID, *, day: date, **given: Any) -> Call:
    body = {"date": day.isoformat()} | given
    return Call("POST", f"/technicians/{technician}/exceptions", body)


def deactivate(technician: UUID, **given: Any) -> Call:
    return Call("POST", f"/technicians/{technician}/deactivate", given)
