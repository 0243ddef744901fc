"""Speak to a fake as the frame does, and keep the time for it."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from integrations.sandbox.wire import Callback, Reply, Request, Vendor

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class Caller:
    """Calls one fake, and collects what it tells by itself."""

    def __init__(self, vendor: Vendor, *, authorization: str) -> None:
        self.vendor = vendor
        self.authorization = authorization
        self.told: list[Callback] = []

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        form: Sequence[tuple[str, str]] | Mapping[str, str] | None = None,
        at_once: int = 1,
        **headers: str,
    ) -> Reply:
        plain, _, query = path.partition("?")
        sent = b"" if body is None else json.dumps(body).encode()
        if form is not None:
            sent = urlencode(form).encode()
        given = {name.lower().replace("_", "-"): each for name, each in headers.items()}
        request = Request(
            method=method,
            path=plain,
            query=query,
            headers={"authorization": self.authorization, **given},
            body=sent,
            at_once=at_once,
        )
        reply, callbacks = self.vendor.handle(request)
        self.told += callbacks
        return reply

    def act(self, name: str, **arguments: Any) -> list[Callback]:
        callbacks = self.vendor.act(name, arguments)
        self.told += callbacks
        return callbacks


def form_of(callback: Callback) -> dict[str, str]:
    return dict(parse_qsl(callback.body.decode(), keep_blank_values=True))
