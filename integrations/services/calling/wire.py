"""HTTP to vendors: connections that are kept, and calls that end in time.

Each call sets a clock for its own thread, with which every read and write on any
connection ends. A call has a client of its own, which knows no cookies of others; the
connections below it are shared by the process.
"""

import atexit
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from integrations.services.timed import Clock, TimedBackend, resolve_by_system

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


class _Clock(threading.local, Clock):
    """The present call of this thread: threads share the connections."""


_clock = _Clock()


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    _clock.start(seconds)
    try:
        yield
    finally:
        _clock.stop()


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
            network_backend=TimedBackend(clock=_clock, resolve=resolve_by_system),
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
