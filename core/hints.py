"""Ring a worker's bell after the commit. A bell that fails costs seconds, not data.

Whoever rings is serving somebody, so a broker that is away must not keep him: the
bell has a connection of its own, which gives up at once, and after a failure it is
left alone for a while. The beat finds the work in the database anyway.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from celery import current_app
from django.db import connection, transaction
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# To connect, and again to hear the answer. The worker's own connection waits longer.
PATIENCE_SECONDS = 0.3
# After a failure nobody rings for so long: a dead broker costs its patience each time.
REST_SECONDS = 5.0
# A hint that nobody followed for a minute is thrown away: the beat has found its work.
_OPTIONS: dict[str, Any] = {"retry": False, "expires": 60}

# So long a bell without ids rings; then it may have been overheard.
RINGS_MILLISECONDS = 1000
_RINGING = "fieldbook:ringing:{task}"

_AWAY = (OperationalError, RedisError, OSError)
_local = threading.local()
_rests_until = 0.0


@dataclass(frozen=True, slots=True)
class _Bell:
    """A ring that waits for the commit of its transaction."""

    task: str
    ids: dict[str, Any]
    queue: str | None
    crowd: str | None

    def __call__(self) -> None:
        _send(self.task, self.ids, queue=self.queue)


def ring(
    task: str,
    *,
    queue: str | None = None,
    crowd: tuple[str, int] | None = None,
    **ids: Any,
) -> None:
    """Have `task` run soon after this transaction commits; asked twice, once.

    Of a `crowd`, which is a name and a number, no more than so many are rung for.
    """
    name, most = crowd or (None, 1)
    bell = _Bell(task, ids, queue, name)
    waiting = [entry[1] for entry in connection.run_on_commit]
    if bell in waiting:
        return
    if name and sum(_is_of(each, task=task, crowd=name) for each in waiting) >= most:
        return
    transaction.on_commit(bell, robust=True)


def _is_of(waiting: Any, *, task: str, crowd: str) -> bool:
    if not isinstance(waiting, _Bell):
        return False
    return waiting.task == task and waiting.crowd == crowd


def broker_answers() -> bool:
    """Ask the broker whether it is there, no longer than a bell would."""
    try:
        with _impatient_connection() as connection:
            connection.ensure_connection(max_retries=0)
    except _AWAY:
        return False
    return True


def _impatient_connection() -> Connection:
    """Return a new connection to the broker that fails fast and never tries again."""
    connection: Connection = current_app.connection_for_write(
        transport_options={
            "socket_timeout": PATIENCE_SECONDS,
            "socket_connect_timeout": PATIENCE_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
    )
    return connection


def _send(task: str, ids: dict[str, Any], *, queue: str | None) -> None:
    global _rests_until  # noqa: PLW0603  # one breaker per process
    if time.monotonic() < _rests_until:
        return
    try:
        if not ids and _rings_already(task):
            return
        current_app.send_task(
            task, kwargs=ids, queue=queue, connection=_connection(), **_OPTIONS
        )
    except _AWAY as error:
        _rests_until = time.monotonic() + REST_SECONDS
        _hang_up()
        log.warning("hint_lost", task=task, error=str(error))


def heard(task: str) -> None:
    """Say that a bell without ids was heard: from now on it may ring again.

    Whoever hears it looks for all there is to do. So it need not ring once for each
    thing that happens, which costs more than the work itself.
    """
    try:
        _client().delete(_RINGING.format(task=task))
    except _AWAY:
        _hang_up()  # it falls silent by itself


def _rings_already(task: str) -> bool:
    key = _RINGING.format(task=task)
    return not _client().set(key, 1, nx=True, px=RINGS_MILLISECONDS)


def _client() -> Any:
    """Return the broker's own client; hints travel over Redis and nothing else."""
    channel: Any = _connection().default_channel
    return channel.client


def _connection() -> Connection:
    """Return this thread's connection: kombu's must not be shared."""
    if not hasattr(_local, "connection"):
        _local.connection = _impatient_connection()
    connection: Connection = _local.connection
    return connection


def _hang_up() -> None:
    """Forget this thread's connection, whatever state it is in."""
    connection = _local.__dict__.pop("connection", None)
    if connection is not None:
        connection.close()
