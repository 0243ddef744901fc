"""Connections below HTTP on which nothing outlasts the call, resolving names included.

A receiver that sends a byte now and then must not hold a worker: each read and write
ends with the call's clock.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream

Resolver = Callable[[str, int], list[str]]

_NOT_CONNECTED = (httpcore2.ConnectError, httpcore2.ConnectTimeout)
# The first address is the one that the system prefers; the second may be IPv4.
_ADDRESSES_TRIED = 2

# The system's resolver knows no time-out of its own.
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class Clock:
    """When the call at hand has to be over; never, while `ends` is None."""

    ends: float | None = None

    def start(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def stop(self) -> None:
        self.ends = None

    def left(
        self,
        timeout: float | None,
        *,
        late: type[httpcore2.TimeoutException] = httpcore2.ReadTimeout,
    ) -> float | None:
        """Return how long the next operation may take: `timeout` at most.

        Raises:
            httpcore2.TimeoutException: `late`, as the call's time is up.
        """
        if self.ends is None:  # closing what is left over from an earlier call
            return timeout
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("The call took too long.")
        return left if timeout is None else min(left, timeout)


class TimedBackend(NetworkBackend):
    """Connects while the call has time."""

    def __init__(self, *, clock: Clock, resolve: Resolver) -> None:
        self._clock = clock
        self._resolve = resolve
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        seconds = self._clock.left(timeout, late=httpcore2.ConnectTimeout)
        found = addresses_of(host, port, resolve=self._resolve, seconds=seconds)
        first, *others = self.judge(found, port=port)[:_ADDRESSES_TRIED]
        try:
            return self._connect(first, port, timeout)
        except _NOT_CONNECTED:
            if not others:
                raise
            return self._connect(others[0], port, timeout)

    def judge(self, addresses: list[str], *, port: int) -> list[str]:
        """Return those of a host's addresses that may be called; here all."""
        return addresses

    def _connect(self, address: str, port: int, timeout: float | None) -> NetworkStream:
        left = self._clock.left(timeout, late=httpcore2.ConnectTimeout)
        stream = self._inner.connect_tcp(address, port, left, None, [])
        return TimedStream(stream, clock=self._clock)


class TimedStream(NetworkStream):
    """A connection whose reads and writes end with the call."""

    def __init__(self, stream: NetworkStream, *, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._clock.left(timeout, late=httpcore2.WriteTimeout)
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        left = self._clock.left(timeout, late=httpcore2.ConnectTimeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        return TimedStream(secured, clock=self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of a name, the preferred one first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_of(
    host: str, port: int, *, resolve: Resolver, seconds: float | None
) -> list[str]:
    """Resolve a name within some time.

    Raises:
        httpcore2.ConnectError: it has no address.
        httpcore2.ConnectTimeout: nobody told in time.
    """
    try:
        found = _resolving.submit(resolve, host, port).result(timeout=seconds)
    except FutureTimeout as error:
        raise httpcore2.ConnectTimeout(f"{host} was not resolved in time.") from error
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} cannot be resolved: {error}") from error
    if not found:
        raise httpcore2.ConnectError(f"{host} has no address.")
    return found
