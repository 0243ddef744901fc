"""What a caller keeps between calls, such as an access token: sealed, for a while.

It is kept in Redis for all processes, and in this one for as long as Redis is away.
Losing it costs one call that fetches it anew.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from core.crypto import InvalidToken, seal, unseal

log = structlog.get_logger(__name__)

_AWAY = (RedisError, OSError)
_REST_SECONDS = 5.0
# Longer than a call takes; whoever renews something and dies blocks others so long.
_TURN_SECONDS = 25.0
_LOOK_AGAIN_SECONDS = 0.05
_REMEMBERED = 1000

_lock = threading.Lock()
_kept: dict[str, tuple[str, float]] = {}
_turns: dict[str, threading.Lock] = {}
_rests_until = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where one connection keeps things; other credentials have another shelf."""

    name: str

    def get(self, key: str) -> str | None:
        """Return what is kept."""
        sealed = _ask(lambda: cache.get(self._path(key)))
        if sealed is None:
            sealed, until = _kept.get(self._path(key), ("", 0.0))
            if time.monotonic() >= until:
                return None
        try:
            return unseal(sealed)
        except InvalidToken:  # sealed with a key that is gone
            return None

    def put(self, key: str, value: str, *, seconds: float) -> None:
        """Keep something; nothing at all, or for no time, is forgotten."""
        path = self._path(key)
        with _lock:
            _kept.pop(path, None)
            if len(_kept) >= _REMEMBERED:
                _kept.clear()
            if value and seconds > 0:
                sealed = seal(value)
                _kept[path] = (sealed, time.monotonic() + seconds)
        if value and seconds > 0:
            _ask(lambda: cache.set(path, sealed, timeout=seconds))
        else:
            _ask(lambda: cache.delete(path))

    @contextmanager
    def turn(self, *, patience: float) -> Iterator[None]:
        """Let one caller at a time renew what is kept here.

        Whoever loses patience goes ahead: twice is better than never.
        """
        ends = time.monotonic() + patience
        with _lock:
            turn = _turns.setdefault(self.name, threading.Lock())
        is_mine = turn.acquire(timeout=max(0.0, patience))
        mine = str(uuid4())
        try:
            self._take_turn(mine, ends=ends)
            yield
        finally:
            if _ask(lambda: cache.get(self._path("turn"))) == mine:
                _ask(lambda: cache.delete(self._path("turn")))
            if is_mine:
                turn.release()

    def _take_turn(self, mine: str, *, ends: float) -> None:
        """Wait until no other process has the turn."""
        path = self._path("turn")
        while time.monotonic() < ends:
            if _ask(lambda: cache.add(path, mine, timeout=_TURN_SECONDS)) is not False:
                return  # it is ours, or Redis is away
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _path(self, key: str) -> str:
        return f"kept:{self.name}:{key}"


def shelf_of(connection_id: UUID, *, credentials: Mapping[str, str]) -> Shelf:
    """Return where a connection keeps things while it has these credentials."""
    told = json.dumps(dict(credentials), sort_keys=True).encode()
    return Shelf(name=f"{connection_id}:{hashlib.sha256(told).hexdigest()[:16]}")


def _ask(question: Callable[[], Any]) -> Any:
    """Ask Redis; None where it is away."""
    global _rests_until  # noqa: PLW0603  # one breaker per process
    if time.monotonic() < _rests_until:
        return None
    try:
        return question()
    except _AWAY as error:
        _rests_until = time.monotonic() + _REST_SECONDS
        log.warning("kept_things_degraded", error=str(error))
        return None
