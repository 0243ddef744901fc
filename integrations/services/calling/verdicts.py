"""What an answer, or the lack of one, means: which kind of refusal it is."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx2

from integrations.connectors.port import Answer, Connector, Judge, Timekeeper
from integrations.rules.answers import retry_after
from integrations.rules.refusals import (
    Busy,
    CallFailed,
    NoAnswer,
    NotAllowed,
    NotSent,
    Refused,
)
from integrations.services.calling.wire import Reply

# Longer than this nobody may ask us to wait.
LONGEST_WAIT = timedelta(hours=1)
TOO_MANY = 429
_EXCERPT = 2000
_LATER = frozenset({408, 425, TOO_MANY})
_NOT_ALLOWED = frozenset({401, 403})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_UNSENDABLE = (
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
_NOT_WRITTEN = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class _Unreadable:
    """A body that is no JSON."""


def is_repeatable(method: str, *, may_repeat: bool) -> bool:
    """Tell whether doing it twice is as good as once."""
    return may_repeat or method.upper() in _REPEATABLE


def failure_to_hear(error: Exception, *, repeatable: bool) -> CallFailed:
    """Return what it means that no answer came. The texts tell a host, but no URL."""
    if isinstance(error, httpx2.ConnectError):
        return NotSent(f"Not connected: {error}")
    if isinstance(error, _NOT_WRITTEN):
        return NotSent(f"Not connected in time: {_name(error)}.")
    if isinstance(
        error,
        httpx2.InvalidURL | httpx2.UnsupportedProtocol | httpx2.LocalProtocolError,
    ):
        return Refused(f"It cannot be sent: {_name(error)}.")
    said = f"No answer: {_name(error)}."
    return Busy(said) if repeatable else NoAnswer(said)


def answer_of(
    reply: Reply, *, connector: Connector, repeatable: bool, now: datetime
) -> Answer:
    """Return a good answer.

    Raises:
        CallFailed: it is none.
    """
    body = _parsed(reply)
    if not 200 <= reply.status < 300:  # noqa: PLR2004  # 2xx
        raise _failure_of(reply, body, connector=connector, now=now)
    if isinstance(body, _Unreadable):
        kind = Busy if repeatable else NoAnswer
        raise kind(
            "The answer makes no sense.",
            status=reply.status,
            excerpt=_text(reply)[:_EXCERPT],
        )
    return Answer(status=reply.status, json=body, headers=reply.headers)


def is_vendors_fault(failure: CallFailed) -> bool:
    """Tell whether the breaker should count it: they are down, or do not answer."""
    if isinstance(failure, Busy):
        return failure.status != TOO_MANY
    return isinstance(failure, NoAnswer | NotSent)


def _failure_of(
    reply: Reply, body: Any, *, connector: Connector, now: datetime
) -> CallFailed:
    told = _text(reply) if isinstance(body, _Unreadable) else body
    kind = _kind_of(reply.status)
    if isinstance(connector, Judge):
        kind = connector.kind_of(reply.status, told) or kind
    code, sentence = connector.failure_of(reply.status, told)
    wait = retry_after(reply.headers.get("Retry-After"), now=now)
    if wait is None and isinstance(connector, Timekeeper):
        seconds = connector.retry_after_of(reply.status, told)
        wait = None if seconds is None else timedelta(seconds=seconds)
    return kind(
        f"HTTP {reply.status}: {sentence}" if sentence else f"HTTP {reply.status}",
        status=reply.status,
        retry_after=None if wait is None else min(wait, LONGEST_WAIT),
        code=code,
        excerpt=_text(reply)[:_EXCERPT],
    )


def _kind_of(status: int) -> type[CallFailed]:
    """Return what a status means where the vendor says nothing special by it.

    A redirect is not followed; it is the sign of a maintenance page.
    """
    if status in _NOT_ALLOWED:
        return NotAllowed
    if status in _LATER or status >= 500 or status < 400:  # noqa: PLR2004  # 5xx, 3xx
        return Busy
    return Refused


def _parsed(reply: Reply) -> Any:
    if not reply.body.strip():
        return None
    if not reply.is_whole:
        return _Unreadable()
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return _Unreadable()


def _text(reply: Reply) -> str:
    return reply.body.decode(errors="replace")


def _name(error: Exception) -> str:
    return type(error).__name__
