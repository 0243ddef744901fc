"""Calls one connection's vendor: paced, guarded by a breaker, timed and logged."""

import json as jsons
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import structlog

from core.request_log import current_request_id
from integrations.connectors.port import Answer, Connector
from integrations.connectors.registry import connector_of
from integrations.models import Connection, ConnectionState
from integrations.rules.breaker import is_recovering
from integrations.rules.pace import Pace, pace, recovery_pace
from integrations.rules.refusals import (
    CallFailed,
    NotAllowed,
    NotSent,
    Postponed,
)
from integrations.services.calling import budget, guard, metering, wire
from integrations.services.calling.guard import Passed
from integrations.services.calling.hosts import UntrustedHost, base_url
from integrations.services.calling.keeping import shelf_of
from integrations.services.calling.turns import Turns
from integrations.services.calling.verdicts import (
    TOO_MANY,
    answer_of,
    failure_to_hear,
    is_repeatable,
    is_vendors_fault,
)
from integrations.services.calling.wire import Asked

log = structlog.get_logger(__name__)

# All calls of one caller together: shorter than a lease is prolonged (40 s), and than
# the time of a task (25 s).
TOTAL_SECONDS = 20.0
# So long a caller waits for its first turn before it gives the worker back. One that
# has begun waits as long as it can, but for these seconds that a call may take: else
# those who need several calls would never come to an end.
PATIENCE_SECONDS = 1.0
_FOR_THE_CALL = 5.0
# After a 429 that does not say for how long.
_PAUSE = timedelta(seconds=2)
# Whoever asks in spite of its state may ask again then.
_NOT_IN_USE = timedelta(minutes=1)
_UNAUTHORISED = 401
_SHORTEST_SECRET = 6


def caller_for(
    connection: Connection,
    *,
    connector: Connector | None = None,
    seconds: float = TOTAL_SECONDS,
) -> "VendorCaller":
    """Return what calls the vendor of a connection, for `seconds` altogether.

    Raises:
        NoConnector
    """
    return VendorCaller(
        connection=connection,
        connector=connector or connector_of(connection.vendor),
        seconds=seconds,
    )


def credentials_of(connection: Connection) -> dict[str, str]:
    """Return the secrets of a connection, by name."""
    found: dict[str, str] = jsons.loads(connection.credentials or "{}")
    return found


class VendorCaller:
    """Implements `connectors.port.Caller`. It serves one delivery in one thread.

    One that `insists` serves a person: it calls even while the breaker is open.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        connector: Connector,
        seconds: float,
        insists: bool = False,
    ) -> None:
        self.connection = connection
        self.connector = connector
        self.settings: Mapping[str, Any] = connection.settings
        self.credentials: Mapping[str, str] = credentials_of(connection)
        self._insists = insists
        self._ends = time.monotonic() + seconds
        self._shelf = shelf_of(connection.pk, credentials=self.credentials)
        self._recalled: dict[str, str] = {}
        self._authorising = self._has_begun = False
        self._turns = Turns(connection.pk)
        self._renewing: ExitStack | None = None

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        host: str = "",
        may_repeat: bool = False,
    ) -> Answer:
        repeatable = is_repeatable(method, may_repeat=may_repeat)
        asked = Asked(
            method=method,
            url=self._url(path, host=host),
            params=params,
            json=json,
            form=form,
            headers={**self._own_headers(), **(headers or {})},
        )
        if self._authorising:
            return self._call(asked, {}, repeatable=repeatable)
        proof = self._authorised()
        try:
            return self._call(asked, proof, repeatable=repeatable)
        except NotAllowed as refusal:
            if refusal.status != _UNAUTHORISED:
                raise
            self.connector.forget_token(self)
            renewed = self._authorised()
            if renewed == proof:
                raise
        return self._call(asked, renewed, repeatable=repeatable)

    def reserve(self, turns: int) -> None:
        """Have the next call wait for the turns of so many after it as well."""
        self._turns.reserve(turns)

    # --- What is kept -----------------------------------------------------------

    def remember(self, key: str, value: str, *, seconds: float) -> None:
        if not value and self._shelf.get(key) != self._recalled.get(key):
            return  # somebody has renewed it since
        self._recalled[key] = value
        self._shelf.put(key, value, seconds=seconds)

    def recall(self, key: str) -> str | None:
        kept = self._shelf.get(key)
        if kept is None and self._renewing is not None:
            # One renews it; the others wait here, and find it.
            turn = self._shelf.turn(patience=self._left())
            renewing, self._renewing = self._renewing, None
            renewing.enter_context(turn)
            kept = self._shelf.get(key)
        if kept is not None:
            self._recalled[key] = kept
        return kept

    def _authorised(self) -> Mapping[str, str]:
        """Return the headers that prove who we are, renewed where they have to be."""
        self._authorising = True
        try:
            with ExitStack() as renewing:
                self._renewing = renewing
                return self.connector.authorise(self)
        finally:
            self._authorising, self._renewing = False, None

    # --- One call ---------------------------------------------------------------

    def _call(
        self, asked: Asked, proof: Mapping[str, str], *, repeatable: bool
    ) -> Answer:
        if self._left() <= 0:
            raise NotSent("There was no time left for it.")
        if not self._insists and self.connection.state != ConnectionState.ACTIVE:
            raise Postponed("The connection is not in use.", retry_after=_NOT_IN_USE)
        try:
            passed = guard.enter(
                connection_id=self.connection.pk, insists=self._insists
            )
        except Postponed as refusal:
            metering.count(self.connection, refusal)
            raise
        turns = self._pace(passed)
        try:
            self._wait_for_turn(turns)
            proven = replace(asked, headers={**asked.headers, **proof})
            answer = self._exchange(proven, repeatable=repeatable, now=passed.now)
        except CallFailed as failure:
            self._hide_secrets(failure, proof)
            self._learn(passed, turns, failure)
            raise
        self._has_begun = True
        metering.count(self.connection, None)
        guard.went_well(passed)
        return answer

    def _exchange(self, asked: Asked, *, repeatable: bool, now: datetime) -> Answer:
        begun = time.monotonic()
        failure: CallFailed | None = None
        try:
            reply = wire.send(asked, seconds=self._left())
            return answer_of(
                reply, connector=self.connector, repeatable=repeatable, now=now
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            failure = failure_to_hear(error, repeatable=repeatable)
            raise failure from error
        except CallFailed as refusal:
            failure = refusal
            raise
        finally:
            seconds = time.monotonic() - begun
            metering.time_taken(self.connection, seconds=seconds)
            log.info(
                "vendor_call",
                vendor=self.connection.vendor,
                connection=str(self.connection.pk),
                method=asked.method,
                outcome=metering.outcome_name(failure),
                http_status=failure.status if failure else None,
                seconds=round(seconds, 3),
            )

    def _learn(self, passed: Passed, turns: Pace, failure: CallFailed) -> None:
        """Tell breaker and budget what a failure means to them."""
        metering.count(self.connection, failure)
        if isinstance(failure, Postponed):
            guard.said_nothing(passed)
        elif is_vendors_fault(failure):
            guard.failed(passed, failure)
        elif failure.status == TOO_MANY:
            guard.said_nothing(passed)
            wait = failure.retry_after or _PAUSE
            budget.pause(
                connection_id=self.connection.pk,
                pace=turns,
                seconds=wait.total_seconds(),
            )
        else:
            guard.went_well(passed)  # they are there, and say no

    # --- What it needs for that -------------------------------------------------

    def _pace(self, passed: Passed) -> Pace:
        rate = self.connection.calls_per_second or self.connector.calls_per_second
        usual = pace(rate=rate)
        if not is_recovering(passed.state, now=passed.now):
            return usual
        return recovery_pace(usual, normal_rate=passed.state.normal_rate or 0)

    def _wait_for_turn(self, pace: Pace) -> None:
        patience = max(0.0, self._left() - _FOR_THE_CALL)
        if not self._has_begun:
            patience = min(PATIENCE_SECONDS, patience)
        self._turns.wait(pace, patience=patience)

    def _url(self, path: str, *, host: str) -> str:
        if not path.startswith("/"):
            raise ValueError("A path begins with a slash.")
        try:
            base = base_url(self.connector, given=self.settings, host=host)
        except UntrustedHost as refusal:
            # It is as configured, so a person has to look.
            raise NotAllowed(str(refusal)) from refusal
        return base + path

    def _own_headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        request_id = current_request_id()
        return headers | {"X-Request-ID": request_id} if request_id else headers

    def _hide_secrets(self, failure: CallFailed, proof: Mapping[str, str]) -> None:
        """Hide what a vendor repeats of our credentials: it is stored and shown."""
        words = [*self.credentials.values()]
        words += [value.rpartition(" ")[2] for value in proof.values()]
        said = str(failure)
        for word in words:
            if len(word) >= _SHORTEST_SECRET:
                said = said.replace(word, "***")
                failure.excerpt = failure.excerpt.replace(word, "***")
        failure.args = (said,)

    def _left(self) -> float:
        return self._ends - time.monotonic()
