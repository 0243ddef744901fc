"""How often one caller may call.

One caller is a signed-in user, or else an address (an IPv6 /64). Counting is
django-ratelimit's, exact across processes. Where Redis is away each process counts
for itself: the limits get laxer, and no request fails for it.
"""

import ipaddress
import math
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.api.actors import actor_of

log = structlog.get_logger(__name__)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# After Redis failed, leave it alone for so long: a dead one costs its time-out.
_PAUSE = 5.0
_REMEMBERED_CALLERS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of a limit one caller has used."""

    scope: str
    limit: int
    window: int
    used: int
    reset_in: int
    degraded: bool = False

    @property
    def allowed(self) -> bool:
        return self.used <= self.limit

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@lru_cache
def parse_rate(rate: str) -> tuple[int, int]:
    """Return "600/m" as (600, 60): calls and seconds."""
    count, _, period = rate.partition("/")
    return int(count), int(period[:-1] or 1) * _SECONDS[period[-1]]


class _LocalCounter:
    """Fixed windows counted in this process, for as long as Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, int], int] = {}

    def hit(self, *, scope: str, value: str) -> Usage:
        limit, window = parse_rate(settings.RATE_LIMITS[scope])
        now = time.time()
        key = (scope, value, int(now // window))
        with self._lock:
            if len(self._counts) >= _REMEMBERED_CALLERS:
                self._counts.clear()
            used = self._counts[key] = self._counts.get(key, 0) + 1
        return Usage(
            scope=scope,
            limit=limit,
            window=window,
            used=used,
            reset_in=math.ceil(window - now % window),
            degraded=True,
        )


_local = _LocalCounter()
_redis_rests_until = 0.0


def hit(*, scope: str, value: str) -> Usage:
    """Count one call of `value` (a user, an address, an account) against a limit."""
    global _redis_rests_until  # noqa: PLW0603  # one breaker per process
    if time.monotonic() < _redis_rests_until:
        return _local.hit(scope=scope, value=value)
    try:
        return _shared_hit(scope=scope, value=value)
    except (RedisError, OSError) as error:
        _redis_rests_until = time.monotonic() + _PAUSE
        log.warning("rate_limits_degraded", error=str(error))
        return _local.hit(scope=scope, value=value)


def _shared_hit(*, scope: str, value: str) -> Usage:
    limit, window = parse_rate(settings.RATE_LIMITS[scope])
    usage = get_usage(
        None,
        group=scope,
        key=lambda *_: value,
        rate=(limit, window),
        increment=True,
    )
    return Usage(
        scope=scope,
        limit=limit,
        window=window,
        used=usage["count"],
        reset_in=max(1, usage["time_left"]),
    )


def client_address(request: HttpRequest | Request) -> str:
    """Return the address that the outermost trusted proxy saw, IPv6 as its /64.

    Everything to the left of that in X-Forwarded-For is the caller's invention.
    """
    address = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104  # no bind
    hops = settings.TRUSTED_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if hops and len(forwarded) >= hops:
        address = forwarded[-hops].strip()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return str(request.META.get("REMOTE_ADDR", ""))
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class RateLimit(BaseThrottle):
    """Limit each caller; a view's `rate_limit_scope` names a limit of its own.

    Such a limit is for visitors: signed-in people have theirs.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        user_id = actor_of(request).user_id
        if user_id:
            self.usage = hit(scope="user", value=str(user_id))
        else:
            scope = getattr(view, "rate_limit_scope", None) or "anonymous"
            self.usage = hit(scope=scope, value=client_address(request))
        # For the headers; the middleware knows only the request below DRF's.
        request._request.rate_usage = self.usage  # type: ignore[attr-defined]  # ours
        return self.usage.allowed

    def wait(self) -> float | None:
        return self.usage.reset_in if self.usage else None


def with_limit_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Tell the caller where they stand (IETF draft `RateLimit` header fields)."""
    usage: Usage | None = getattr(request, "rate_usage", None)
    if usage is None:
        return
    name = f'"{usage.scope}"'
    response["RateLimit-Policy"] = f"{name};q={usage.limit};w={usage.window}"
    response["RateLimit"] = f"{name};r={usage.remaining};t={usage.reset_in}"
    if usage.degraded:
        response["X-RateLimit-Mode"] = "degraded"
