"""The breaker of a connection, in its row of health.

The database's clock counts: a worker whose clock is wrong opens nothing and closes
nothing. What went well is counted in the process and written down now and then, so
that deliveries side by side do not queue for one row.
"""

import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models import Breaker, ConnectionHealth
from integrations.rules import breaker
from integrations.rules.breaker import State
from integrations.rules.refusals import CallFailed, Postponed

log = structlog.get_logger(__name__)

# A probe that did not come back by then is taken for lost; longer than a call takes.
PROBE = timedelta(seconds=25)
_WRITE_EVERY_SECONDS = 5.0
_PROBING_SECONDS = (1.0, 3.0)

_lock = threading.Lock()
_tallies: dict[UUID, tuple[int, float]] = {}
"""Calls that went well and are not written down, and when it was last done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Leave to make one call."""

    connection_id: UUID
    state: State
    now: datetime
    probe: UUID | None = None
    insists: bool = False


def enter(*, connection_id: UUID, insists: bool = False) -> Passed:
    """Return leave to call, or refuse it; not to a person who `insists`.

    Raises:
        Postponed: the breaker is open, or somebody else is trying the vendor out.
        RuntimeError: a transaction is open; locks would be held during the call.
    """
    with transaction.atomic(durable=True):
        pass  # it refuses to be inside of another; nothing is asked of the database
    state, now = _look(connection_id)
    if insists or state.breaker == breaker.CLOSED:
        return Passed(
            connection_id=connection_id, state=state, now=now, insists=insists
        )
    closed_for = breaker.wait(state, now=now)
    if closed_for:
        # A little later each, so that not all come back at once.
        jitter = random.uniform(0, max(1.0, closed_for.total_seconds() / 10))  # noqa: S311  # no secret
        raise Postponed(
            "The vendor is given a rest.",
            retry_after=closed_for + timedelta(seconds=jitter),
        )
    probe = uuid4()
    if not _win_probe(connection_id, probe):
        seconds = random.uniform(*_PROBING_SECONDS)  # noqa: S311  # no secret
        raise Postponed(
            "Somebody is trying the vendor out.", retry_after=timedelta(seconds=seconds)
        )
    return Passed(connection_id=connection_id, state=state, now=now, probe=probe)


def went_well(passed: Passed) -> None:
    """Note a call that the vendor answered."""
    calls = _tallied(passed)
    if calls:
        _write(passed, failure=None, calls=calls)


def failed(passed: Passed, failure: CallFailed) -> None:
    """Note a call that failed for the vendor's sake."""
    _write(passed, failure=failure, calls=_taken(passed.connection_id))


def said_nothing(passed: Passed) -> None:
    """Note a call that tells nothing about the vendor: it was not made, or a 429."""
    if passed.probe is not None:
        ConnectionHealth.objects.filter(
            pk=passed.connection_id, probe_token=passed.probe
        ).update(probe_token=None, probe_until=None)


def _look(connection_id: UUID) -> tuple[State, datetime]:
    rows = ConnectionHealth.objects.filter(pk=connection_id)
    health = rows.annotate(clock=Now()).first()
    if health is None:
        made = ConnectionHealth(connection_id=connection_id)
        ConnectionHealth.objects.bulk_create([made], ignore_conflicts=True)
        health = rows.annotate(clock=Now()).get()
    return state_of(health), health.clock


def state_of(health: ConnectionHealth) -> State:
    """Return what the rules make of a row."""
    return State(
        breaker=health.breaker,
        window=tuple((number, calls, bad) for number, calls, bad in health.window),
        failures_in_row=health.failures_in_row,
        successes_in_row=health.successes_in_row,
        open_seconds=health.open_seconds,
        reopens_at=health.reopens_at,
        failing_since=health.failing_since,
        normal_rate=health.normal_rate,
        recovering_until=health.recovering_until,
    )


def _win_probe(connection_id: UUID, token: UUID) -> bool:
    """Take the one place; of all who try at once, one row is updated for one."""
    free = Q(probe_until=None) | Q(probe_until__lt=Now())
    won = ConnectionHealth.objects.filter(
        free,
        pk=connection_id,
        breaker__in=[Breaker.OPEN, Breaker.HALF_OPEN],
        reopens_at__lte=Now(),
    ).update(breaker=Breaker.HALF_OPEN, probe_token=token, probe_until=Now() + PROBE)
    return bool(won)


def _tallied(passed: Passed) -> int:
    """Count one call; return how many are to be written down now, or 0."""
    with _lock:
        calls, since = _tallies.get(passed.connection_id, (0, float("-inf")))
        now = time.monotonic()
        if passed.state.is_calm and now - since < _WRITE_EVERY_SECONDS:
            _tallies[passed.connection_id] = (calls + 1, since)
            return 0
        _tallies[passed.connection_id] = (0, now)
        return calls + 1


def _taken(connection_id: UUID) -> int:
    with _lock:
        calls, since = _tallies.get(connection_id, (0, float("-inf")))
        _tallies[connection_id] = (0, since)
        return calls


def _write(passed: Passed, *, failure: CallFailed | None, calls: int) -> None:
    """Write down what happened. It is a statistic: the call itself has its answer."""
    try:
        with transaction.atomic():
            _change(passed, failure=failure, calls=calls)
    except OperationalError as error:
        log.warning(
            "connection_health_not_written",
            connection=str(passed.connection_id),
            error=str(error),
        )


def _change(passed: Passed, *, failure: CallFailed | None, calls: int) -> None:
    rows = ConnectionHealth.objects.filter(pk=passed.connection_id)
    health = rows.select_for_update().annotate(clock=Now()).first()
    if health is None:  # the connection was deleted meanwhile
        return
    now: datetime = health.clock
    is_probe = passed.probe is not None and passed.probe == health.probe_token
    before = state = state_of(health)
    if calls:
        state = breaker.after_successes(
            state, now=now, calls=calls, is_probe=is_probe and failure is None
        )
        if passed.insists and failure is None:
            state = breaker.reopened(state, now=now)
    change: dict[str, Any] = {"last_success_at": now} if calls else {}
    if failure is not None:
        state = breaker.after_failure(state, now=now, is_probe=is_probe)
        change |= {"last_failure_at": now, "last_error": str(failure)[:500]}
    if is_probe:
        change |= {"probe_token": None, "probe_until": None}
    rows.update(**change, **_fields_of(state))
    if state.breaker != before.breaker:
        log.warning(
            "breaker_changed",
            connection=str(passed.connection_id),
            was=before.breaker,
            now=state.breaker,
            seconds=state.open_seconds,
        )


def _fields_of(state: State) -> dict[str, Any]:
    return {
        "breaker": state.breaker,
        "window": [list(bucket) for bucket in state.window],
        "failures_in_row": state.failures_in_row,
        "successes_in_row": state.successes_in_row,
        "open_seconds": state.open_seconds,
        "reopens_at": state.reopens_at,
        "failing_since": state.failing_since,
        "normal_rate": state.normal_rate,
        "recovering_until": state.recovering_until,
    }
