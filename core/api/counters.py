"""The cache that counts requests."""

from functools import cached_property
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis import Redis


class CounterCache(RedisCache):
    """A Redis cache that answers django-ratelimit by one command instead of five.

    django-ratelimit calls `add(key, 1)` and, where the key is there, `incr(key)`;
    Django's `incr` asks whether the key exists first. Here `add` counts at once, and
    `incr` repeats what it learnt.
    """

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._count = 0  # each thread has a cache object of its own

    @cached_property
    def _client(self) -> Redis:
        # Django makes a new one for each command, which costs more than the command.
        client: Redis = self._cache.get_client(write=True)
        return client

    def add(
        self, key: Any, value: Any, timeout: Any = None, version: int | None = None
    ) -> bool:
        """Count `value` towards the key; tell whether it was new."""
        name = self.make_and_validate_key(key, version=version)
        self._count = int(self._client.incrby(name, value))
        is_new = self._count == int(value)
        if is_new and timeout is not None:
            # The name holds the window that is counted, so nobody asks for it again
            # afterwards: should we die right here, a few bytes are left behind.
            self._client.expire(name, timeout)
        return is_new

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Return the count that the preceding `add` has reached."""
        return self._count
