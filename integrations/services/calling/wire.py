"""HTTP to vendors: connections that are kept, and calls that end in time.

Each call sets a clock for its own thread; every read and write on any connection ends
with it, so that a vendor that sends a byte now and then cannot hold a worker. A call
has a client of its own, which knows no cookies of others; the connections below it are
shared by the process.
"""

import atexit
import os
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2
from httpcore2 import NetworkBackend, NetworkStream

from integrations.services.outbound import addresses_of, resolve_by_system

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
MOST_BYTES = 1024 * 1024
USER_AGENT = "Fieldbook/1.0"
_CONNECTIONS = 32
_KEPT_SECONDS = 5.0

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call as it goes out."""

    method: str
    url: str
    params: Params | None = None
    json: Any = None
    form: Params | None = None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; `is_whole` unless there was more than we read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True


def send(asked: Asked, *, seconds: float) -> Reply:
    """Send a call and read its answer, within `seconds` altogether.

    Raises:
        httpx2.HTTPError: ConnectError, ConnectTimeout and PoolTimeout where nothing was
            sent; others where nobody knows.
    """
    with _within(seconds), _client() as client:
        call = client.stream(
            asked.method,
            asked.url,
            params=asked.params,
            json=asked.json,
            data=asked.form,
            headers={**asked.headers, "Accept-Encoding": "identity"},
        )
        with call as response:
            body, is_whole = _head_of(response)
            return Reply(
                status=response.status_code,
                headers=response.headers,
                body=body,
                is_whole=is_whole,
            )


def _head_of(response: httpx2.Response) -> tuple[bytes, bool]:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            return body[:MOST_BYTES], False
    return body, True


class _Clock(threading.local):
    """When the present call of this thread has to be over."""

    ends: float | None = None

    def left(self, timeout: float | None, *, late: type[Exception]) -> float | None:
        if self.ends is None:  # closing what is left over from an earlier call
            return timeout
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("The call took too long.")
        return left if timeout is None else min(left, timeout)


_clock = _Clock()


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    _clock.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        _clock.ends = None


class _TimedBackend(NetworkBackend):
    """Connects, resolving names included, while the call has time."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        late = httpcore2.ConnectTimeout
        seconds = _clock.left(timeout, late=late) or CONNECT_SECONDS
        found = addresses_of(host, port, resolve=resolve_by_system, seconds=seconds)
        # The first is the one that the system prefers; the second may be IPv4.
        first, *others = found
        try:
            return self._connect(first, port, timeout)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
            if not others:
                raise
            return self._connect(others[0], port, timeout)

    def _connect(self, address: str, port: int, timeout: float | None) -> NetworkStream:
        left = _clock.left(timeout, late=httpcore2.ConnectTimeout)
        return _TimedStream(self._inner.connect_tcp(address, port, left, None, []))


class _TimedStream(NetworkStream):
    """A connection whose reads and writes end with the call."""

    def __init__(self, stream: NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _clock.left(timeout, late=httpcore2.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _clock.left(timeout, late=httpcore2.WriteTimeout)
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        left = _clock.left(timeout, late=httpcore2.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _KeptTransport(httpx2.HTTPTransport):
    """Connections that outlive the client of one call."""

    def __init__(self) -> None:
        context = httpx2.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        # The one thing that httpx2 has no parameter for.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_TimedBackend(),
        )

    def __enter__(self) -> "_KeptTransport":
        return self

    def __exit__(self, *error: object) -> None:
        """Keep the connections: the next call may use them."""

    def close(self) -> None:
        """Keep the connections."""

    def hang_up(self) -> None:
        """Close the connections after all."""
        self._pool.close()


@cache
def _transport(process: int) -> _KeptTransport:
    """Return the connections of a process: a child must not use its parent's."""
    transport = _KeptTransport()
    atexit.register(transport.hang_up)
    return transport


def _client() -> httpx2.Client:
    return httpx2.Client(
        transport=_transport(os.getpid()),
        timeout=httpx2.Timeout(
            READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS
        ),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
    )
