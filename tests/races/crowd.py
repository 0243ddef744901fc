"""A crowd of clients, each with a connection of its own, and what they can ask."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from http.client import HTTPConnection
from threading import Barrier
from typing import Any
from uuid import UUID

# No answer may take longer, however large the crowd and busy the machine.
NEVER_LONGER = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request that somebody makes."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0  # seconds from the common start

    def with_headers(self, **headers: str) -> "Call":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Call(self.method, self.path, self.body, self.headers | named, self.after)


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
            time.sleep(call.after)
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
