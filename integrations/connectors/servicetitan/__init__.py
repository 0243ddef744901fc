"""ServiceTitan: leads become bookings, visits become jobs with an appointment.

All of theirs is found again by our reference: bookings by `externalId`, customers and
jobs by external data under the application's GUID.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.connectors.port import Caller, Known
from integrations.connectors.servicetitan import (
    bookings,
    facts,
    hearing,
    jobs,
    origins,
    people,
    wire,
)
from integrations.rules.refusals import CallFailed, NoAnswer, NotAllowed
from integrations.rules.things import Inbound, Page, Remote, Thing

_TOKEN = "token"  # noqa: S105  # the name under which it is kept
TOO_MANY = 429
_MARGIN_SECONDS = 60.0


class ServiceTitan:
    """See `Connector` and `Originating` in `integrations.connectors.port`."""

    vendor = "servicetitan"
    hosts = facts.HOSTS
    trusted_hosts = facts.TRUSTED
    questions = facts.QUESTIONS
    # 60 a second are said to be allowed per application and tenant; we stay below.
    calls_per_second = 48.0
    kinds = frozenset({"lead", "customer", "property", "appointment", "technician"})
    feeds = hearing.FEEDS
    poll_every = timedelta(minutes=5)
    mapping = facts.MAPPING
    finds_first = frozenset({"customer", "property"})
    only_at_creation = facts.ONLY_AT_CREATION

    def authorise(self, call: Caller) -> Mapping[str, str]:
        token = call.recall(_TOKEN) or self._new_token(call)
        scheme = str(call.settings.get("token_scheme") or "Bearer")
        return {
            "Authorization": f"{scheme} {token}",
            "ST-App-Key": call.credentials["app_key"],
        }

    def forget_token(self, call: Caller) -> None:
        call.remember(_TOKEN, "", seconds=1)

    def check(self, call: Caller) -> str:
        where = wire.path(call, "settings", "technicians")
        asked = {"page": 1, "pageSize": 1, "includeTotal": "true"}
        said = call("GET", where, params=asked).json or {}
        return (
            f"Tenant {call.settings['tenant_id']} answers; "
            f"technicians: {said.get('totalCount', 'not counted')}."
        )

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        return wire.failure_of(status, body)

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        return NotAllowed if wire.refuses_credentials(status, body) else None

    def retry_after_of(self, status: int, body: Any) -> float | None:
        return wire.seconds_of(body) if status == TOO_MANY else None

    def find(self, call: Caller, thing: Thing, known: Known) -> Remote | None:
        if thing.kind == "lead":
            return bookings.find(call, thing)
        if thing.kind == "customer":
            return people.find_customer(call, thing)
        if thing.kind == "property":
            return people.find_location(call, thing, known)
        if thing.kind == "technician":
            return people.find_technician(call, thing)
        return jobs.find(call, thing)

    def create(
        self, call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
    ) -> Remote:
        if thing.kind == "lead":
            return bookings.create(call, thing, body)
        if thing.kind == "customer":
            return people.create_customer(call, thing, body)
        if thing.kind == "property":
            return people.create_location(call, thing, known, body)
        return jobs.create(call, thing, known, body)

    def update(
        self,
        call: Caller,
        thing: Thing,
        known: Known,
        body: Mapping[str, Any],
        changed: frozenset[str],
    ) -> Remote | None:
        if thing.kind == "lead":
            return bookings.update(call, thing, known, body)
        if thing.kind == "customer":
            return people.update_customer(call, known, body, changed)
        if thing.kind == "appointment":
            return jobs.update(call, thing, known, body, changed)
        return None

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        return hearing.fetch(call, remote_type, remote_id)

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        return hearing.poll(call, feed, cursor)

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return hearing.read(call, event)

    def whole(self, call: Caller, remote: Remote) -> Remote | None:
        return origins.whole(call, remote)

    def _new_token(self, call: Caller) -> str:
        said = call(
            "POST",
            "/connect/token",
            host=facts.AUTH,
            form={
                "grant_type": "client_credentials",
                "client_id": call.credentials["client_id"],
                "client_secret": call.credentials["client_secret"],
            },
            may_repeat=True,
        ).json
        token = said.get("access_token") if isinstance(said, dict) else None
        if not token:
            raise NoAnswer("The answer has no access token.")
        lives = float(
            said.get("expires_in") or call.settings.get("token_seconds") or 900
        )
        call.remember(_TOKEN, token, seconds=max(lives - _MARGIN_SECONDS, 1.0))
        return str(token)
