"""Turns to call a vendor: shared by all processes in Redis.

Where Redis is away each process has one call a second. Redis' own clock counts, so
that a worker whose clock is wrong disturbs nobody.
"""

import threading
import time
from uuid import UUID

import structlog
from django.core.cache import caches
from redis import Redis
from redis.exceptions import RedisError

from integrations.rules.pace import Pace, Turn, take

log = structlog.get_logger(__name__)

_ALONE = Pace(rate=1.0)
# After Redis failed, leave it alone for so long: a dead one costs its time-out.
_REST_SECONDS = 5.0
_AWAY = (RedisError, OSError)
_MICRO = 1_000_000

# `integrations.rules.pace.take`, where no two calls can come in between. Microseconds:
# what a script answers is cut down to whole numbers.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local booked = tonumber(redis.call('GET', KEYS[1]) or '0')
local interval, tolerance, patience = ARGV[1], ARGV[2], ARGV[3]
local wait = math.max(0, booked - tolerance - now)
if wait > tonumber(patience) then return {0, wait} end
booked = math.max(now, booked) + interval
redis.call('SET', KEYS[1], string.format('%.0f', booked),
           'PX', math.ceil((booked - now) / 1000) + 1000)
return {1, wait}
"""
_PAUSE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local booked = tonumber(redis.call('GET', KEYS[1]) or '0')
booked = math.max(booked, now + ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', booked),
           'PX', math.ceil((booked - now) / 1000) + 1000)
return 1
"""

_lock = threading.Lock()
_local: dict[UUID, float] = {}
_rests_until = 0.0


def next_turn(*, connection_id: UUID, pace: Pace, patience: float) -> Turn:
    """Book a turn if one comes within `patience` seconds."""
    global _rests_until  # noqa: PLW0603  # one breaker per process
    if time.monotonic() >= _rests_until:
        try:
            return _shared_turn(connection_id, pace, patience)
        except _AWAY as error:
            _rests_until = time.monotonic() + _REST_SECONDS
            log.warning("vendor_pace_degraded", error=str(error))
    with _lock:
        now = time.monotonic()
        booked = _local.get(connection_id, 0.0)
        turn = take(_ALONE, booked_until=booked, now=now, patience=patience)
        _local[connection_id] = turn.booked_until
    return turn


def pause(*, connection_id: UUID, pace: Pace, seconds: float) -> None:
    """Give out no turns for a while: the vendor has asked for it."""
    with _lock:
        _local[connection_id] = max(
            _local.get(connection_id, 0.0), time.monotonic() + seconds
        )
    if time.monotonic() < _rests_until:
        return
    until = round((seconds + pace.tolerance) * _MICRO)
    try:
        _client().eval(_PAUSE, 1, _key(connection_id), str(until))
    except _AWAY as error:
        log.warning("vendor_pace_degraded", error=str(error))


def _shared_turn(connection_id: UUID, pace: Pace, patience: float) -> Turn:
    granted, wait = _client().eval(
        _TAKE,
        1,
        _key(connection_id),
        *(
            str(round(seconds * _MICRO))
            for seconds in (pace.interval, pace.tolerance, patience)
        ),
    )
    return Turn(granted=bool(granted), wait=wait / _MICRO, booked_until=0.0)


def _key(connection_id: UUID) -> str:
    return f"fieldbook:pace:{connection_id}"


def _client() -> Redis:
    client: Redis = caches["default"]._cache.get_client(write=True)  # type: ignore[attr-defined]  # Django's own
    return client
