"""The one way out to URLs that somebody typed in: guarded, pinned, bounded in time.

The name is resolved once, each address is judged, and the connection goes to the
very address that was judged: a name server that answers differently a moment later
gains nothing. TLS still verifies the name. Each call has a clock of its own, so that a
receiver that sends a byte now and then cannot hold a worker.

A thread keeps its connection for the next call, as long as that follows at once: what
was judged is then called again, and is judged anew after half a minute.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore2
import httpx2
from httpcore2 import NetworkBackend, NetworkStream

from integrations.rules.targets import UnsafeTarget, is_public

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
TOTAL_SECONDS = 20.0
MOST_BYTES = 64 * 1024
HTTPS = 443
USER_AGENT = "Fieldbook-Webhooks/1.0"

# Shorter than receivers keep a connection that nobody uses: they must not hang up just
# when the next call begins.
KEPT_SECONDS = 1.0
JUDGED_ANEW_SECONDS = 30.0

Resolver = Callable[[str, int], list[str]]

_local = threading.local()

# The system's resolver knows no time-out of its own.
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


@contextmanager
def client(
    *, allow_private: bool, resolve: Resolver | None = None
) -> Iterator[httpx2.Client]:
    """Lend a client for one call. It follows nobody and trusts no proxy settings."""
    asked = (allow_private, resolve or resolve_by_system)
    kept: _Kept | None = getattr(_local, "kept", None)
    if kept is None or kept.asked != asked or kept.is_old():
        hang_up()
        kept = _local.kept = _Kept(*asked)
    kept.begin()
    yield kept.client


def hang_up() -> None:
    """Close the connection that this thread keeps."""
    kept: _Kept | None = _local.__dict__.pop("kept", None)
    if kept is not None:
        kept.client.close()


class _Kept:
    """A client that a thread uses for one call after the other."""

    def __init__(self, allow_private: bool, resolve: Resolver) -> None:  # noqa: FBT001  # ours alone
        self.asked = (allow_private, resolve)
        self._since = time.monotonic()
        self._backend = GuardedBackend(allow_private=allow_private, resolve=resolve)
        self.client = httpx2.Client(
            transport=_GuardedTransport(self._backend),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT},
        )

    def is_old(self) -> bool:
        """Tell whether the address may have changed since it was judged."""
        return time.monotonic() - self._since > JUDGED_ANEW_SECONDS

    def begin(self) -> None:
        """Start the clock of the next call."""
        self._backend.clock.ends = time.monotonic() + TOTAL_SECONDS
        self.client.timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)


def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of a name, the preferred one first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def safe_addresses(addresses: Iterable[str], *, allow_private: bool) -> list[str]:
    """Return the addresses unchanged if the house may call every one of them.

    Raises:
        UnsafeTarget: one of them is not of the open internet. All count: else the
            owner of the name would choose which one we meet.
    """
    found = list(addresses)
    if not allow_private:
        for address in found:
            if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                raise UnsafeTarget("The name leads to an address that is not public.")
    return found


def addresses_of(
    host: str, port: int, *, resolve: Resolver, seconds: float
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


class _Clock:
    """How long the call at hand may still take."""

    ends = 0.0

    def left(self, timeout: float | None) -> float:
        """Return how long the next operation may take.

        Raises:
            httpcore2.ReadTimeout: the call's time is up.
        """
        left = self.ends - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("The call took too long.")
        return left if timeout is None else min(left, timeout)


class GuardedBackend(NetworkBackend):
    """Connects to addresses that were judged, within the time that is left."""

    def __init__(self, *, allow_private: bool, resolve: Resolver) -> None:
        self.clock = _Clock()
        self._allow_private = allow_private
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
        if port != HTTPS and not self._allow_private:
            raise UnsafeTarget("Use port 443.")
        found = addresses_of(
            host, port, resolve=self._resolve, seconds=self.clock.left(timeout)
        )
        # The first is the one that the system prefers; the second may be IPv4.
        candidates = safe_addresses(found, allow_private=self._allow_private)[:2]
        for number, address in enumerate(candidates, start=1):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self.clock.left(timeout), local_address, []
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(candidates):
                    raise
            else:
                return _TimedStream(stream, clock=self.clock)
        raise httpcore2.ConnectError(f"{host} has no address.")


class _TimedStream(NetworkStream):
    """A connection on which nothing outlasts the call."""

    def __init__(self, stream: NetworkStream, *, clock: "_Clock") -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        left = self._clock.left(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        return _TimedStream(secured, clock=self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedTransport(httpx2.HTTPTransport):
    """HTTP over guarded connections."""

    def __init__(self, backend: NetworkBackend) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        # The one thing that httpx2 has no parameter for.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(),
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=backend,
        )


@cache
def _tls() -> ssl.SSLContext:
    """Return what verifies certificates; reading the roots takes a while."""
    return httpx2.create_ssl_context(trust_env=False)
