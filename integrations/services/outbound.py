"""The one way out to URLs that somebody typed in: guarded, pinned, bounded in time.

The name is resolved once, each address is judged, and the connection goes to the
very address that was judged: a name server that answers differently a moment later
gains nothing. TLS still verifies the name.

A thread keeps its connection for the next call, as long as that follows at once: what
was judged is then called again, and is judged anew after half a minute.
"""

import ipaddress
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import httpcore2
import httpx2
from httpcore2 import NetworkBackend

from integrations.rules.targets import UnsafeTarget, is_public
from integrations.services.timed import (
    Clock,
    Resolver,
    TimedBackend,
    resolve_by_system,
)

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

_local = threading.local()


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
        self._clock = Clock()
        backend = GuardedBackend(
            allow_private=allow_private, clock=self._clock, resolve=resolve
        )
        self.client = httpx2.Client(
            transport=_GuardedTransport(backend),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT},
        )

    def is_old(self) -> bool:
        """Tell whether the address may have changed since it was judged."""
        return time.monotonic() - self._since > JUDGED_ANEW_SECONDS

    def begin(self) -> None:
        """Start the clock of the next call."""
        self._clock.start(TOTAL_SECONDS)
        self.client.timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)


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


class GuardedBackend(TimedBackend):
    """Connects to addresses that were judged, within the time that is left."""

    def __init__(self, *, allow_private: bool, clock: Clock, resolve: Resolver) -> None:
        super().__init__(clock=clock, resolve=resolve)
        self._allow_private = allow_private

    def judge(self, addresses: list[str], *, port: int) -> list[str]:
        if port != HTTPS and not self._allow_private:
            raise UnsafeTarget("Use port 443.")
        return safe_addresses(addresses, allow_private=self._allow_private)


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
