"""What the sandbox received, and how it answers."""

import json
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

REMEMBERED = 200
DEFAULT_STATUS = 503
DEFAULT_SECONDS = 5.0
OK_STATUS = 200
REFUSED_STATUS = 401


class Behaviour(StrEnum):
    """How the sandbox treats what it is sent."""

    OK = "ok"
    FAIL = "fail"  # answers with the status
    SLOW = "slow"  # accepts, but takes its time
    FLAKY = "flaky"  # fails the first try of each message


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A behaviour, and for how many deliveries; None means until told otherwise."""

    mode: Behaviour = Behaviour.OK
    status: int = DEFAULT_STATUS
    seconds: float = DEFAULT_SECONDS
    count: int | None = None

    @classmethod
    def read(cls, asked: Any) -> "Mode":
        """Read `{"mode": "fail", "status": 503, "seconds": 5, "count": 3}`.

        Raises:
            ValueError: says what is wrong with it.
        """
        if not isinstance(asked, dict) or set(asked) - set(cls.__slots__):
            raise ValueError(f"Send an object of {', '.join(cls.__slots__)}.")
        mode = cls(**{**asked, "mode": Behaviour(asked.get("mode", ""))})
        _check("status", mode.status, lowest=400, highest=599)
        _check("seconds", mode.seconds, lowest=0, highest=60, kind=int | float)
        if mode.count is not None:
            _check("count", mode.count, lowest=1, highest=1_000_000)
        return mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How to answer one delivery."""

    status: int
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Delivery:
    """Something that was sent to us. `attempt` counts how often we saw its id."""

    id: str
    attempt: int
    received_at: str
    verified: bool
    problem: str
    mode: Behaviour
    type: str
    payload: Any
    request_id: str
    status: int | None = None
    accepted: bool = False


class Inbox:
    """The last deliveries, and the present mode. Safe to use from many threads."""

    def __init__(self, *, secret: str) -> None:
        if not secret.startswith("whsec_") or not secret.removeprefix("whsec_"):
            raise ValueError("The secret begins with whsec_.")
        self._webhook = Webhook(secret)
        self._lock = threading.Lock()
        self._deliveries: deque[Delivery] = deque(maxlen=REMEMBERED)
        self._seen: Counter[str] = Counter()
        self._mode = Mode()

    def receive(
        self, *, body: bytes, headers: dict[str, str]
    ) -> tuple[Delivery, Verdict]:
        """Check and remember a delivery; return it with how it is to be answered."""
        problem = self._problem(body, headers)
        payload = _parsed(body)
        with self._lock:
            mode = self._mode
            name = headers.get("webhook-id", "")[:80]
            self._seen[name] += 1
            delivery = Delivery(
                id=name,
                attempt=self._seen[name],
                received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                verified=not problem,
                problem=problem,
                mode=mode.mode,
                type=str(payload.get("type", ""))[:80],
                payload=payload,
                request_id=headers.get("x-request-id", "")[:64],
            )
            self._deliveries.appendleft(delivery)
            if problem:
                return delivery, Verdict(status=REFUSED_STATUS)
            self._count_down()
            return delivery, _verdict(mode, attempt=delivery.attempt)

    def answered(self, delivery: Delivery, *, status: int) -> None:
        """Note what was answered."""
        with self._lock:
            delivery.status = status
            delivery.accepted = status == OK_STATUS

    def set_mode(self, mode: Mode) -> None:
        """Behave differently from now on."""
        with self._lock:
            self._mode = mode

    def clear(self) -> None:
        """Forget all deliveries, but not the mode."""
        with self._lock:
            self._deliveries.clear()
            self._seen.clear()

    def as_json(self) -> dict[str, Any]:
        """Return mode and deliveries, the newest first."""
        with self._lock:
            deliveries = [asdict(delivery) for delivery in self._deliveries]
            return {"mode": asdict(self._mode), "deliveries": deliveries}

    def _problem(self, body: bytes, headers: dict[str, str]) -> str:
        """Return what is wrong with the signature, or ""."""
        try:
            self._webhook.verify(body, headers, json_parse=False)
        except WebhookVerificationError as error:
            return str(error)
        except ValueError:  # neither base64 nor UTF-8
            return "Malformed signature or body"
        return ""

    def _count_down(self) -> None:
        """Go back to normal after the last delivery that the mode was for."""
        if self._mode.count is not None:
            left = self._mode.count - 1
            changed = asdict(self._mode) | {"count": left}
            self._mode = Mode(**changed) if left else Mode()


def _verdict(mode: Mode, *, attempt: int) -> Verdict:
    if mode.mode is Behaviour.FAIL or (mode.mode is Behaviour.FLAKY and attempt == 1):
        return Verdict(status=mode.status)
    if mode.mode is Behaviour.SLOW:
        return Verdict(status=OK_STATUS, seconds=mode.seconds)
    return Verdict(status=OK_STATUS)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _check(
    name: str, value: Any, *, lowest: int, highest: int, kind: Any = int
) -> None:
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if not (is_number and lowest <= value <= highest):
        raise ValueError(f"{name} lies in {lowest}..{highest}.")
