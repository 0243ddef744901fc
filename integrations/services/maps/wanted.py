"""Ways that somebody asked for and nobody knew: a set in Redis, for all processes.

Whoever asks is serving somebody, so he only writes into memory; a moment later all that
was asked goes to Redis at once. A set that is lost does no harm: who asks again, wants
again.
"""

import threading
import time
from collections.abc import Iterable

import structlog
from django.core.cache import caches
from redis import Redis
from redis.exceptions import RedisError

from integrations.rules.ways import Way

log = structlog.get_logger(__name__)

_KEY = "fieldbook:ways:wanted"
_KEPT_SECONDS = 24 * 3600
_AFTER_SECONDS = 1.0
_MOST = 20_000
_AWAY = (RedisError, OSError)

_guard = threading.Lock()
_noted: set[Way] = set()
_flushes_at = 0.0


def note(way: Way) -> None:
    """Note that a way is wanted; it costs no call."""
    global _flushes_at  # noqa: PLW0603  # one bell per process
    with _guard:
        if len(_noted) < _MOST:
            _noted.add(way)
        now = time.monotonic()
        if now < _flushes_at:
            return
        _flushes_at = now + _AFTER_SECONDS  # a fork loses threads: then the next rings
    timer = threading.Timer(_AFTER_SECONDS, flush)
    timer.daemon = True
    timer.start()


def flush() -> None:
    """Put what was noted where all processes see it."""
    with _guard:
        ways = list(_noted)
        _noted.clear()
    put(ways)


def put(ways: Iterable[Way]) -> None:
    """Want these ways; where Redis is away they are forgotten."""
    members = [_text(way) for way in ways]
    if not members:
        return
    try:
        client = _client()
        if client.scard(_KEY) < _MOST:
            client.sadd(_KEY, *members)
            client.expire(_KEY, _KEPT_SECONDS)
    except _AWAY as error:
        log.warning("wanted_ways_lost", error=str(error), count=len(members))


def take(most: int) -> list[Way]:
    """Return up to so many wanted ways, which nobody else will then fetch."""
    try:
        members: list[bytes] = list(_client().spop(_KEY, most) or [])  # type: ignore[arg-type]  # a list, of a count
    except _AWAY as error:
        log.warning("wanted_ways_lost", error=str(error), count=0)
        return []
    return [_way(str(member, "ascii")) for member in members]


def _text(way: Way) -> str:
    return ",".join(str(number) for place in way for number in place)


def _way(text: str) -> Way:
    a, b, c, d = map(int, text.split(","))
    return (a, b), (c, d)


def _client() -> Redis:
    client: Redis = caches["default"]._cache.get_client(write=True)  # type: ignore[attr-defined]  # Django's own
    return client
