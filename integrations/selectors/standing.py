"""How each connection and subscriber stands: what waits, what is late, what failed.

Sync success is what was delivered, or overtaken by a newer state, within a day of its
change; out of all that could be: what the other side refused for its content and what
was called off are reported beside it, and what is younger than a day may still come.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.actors import Actor
from integrations.models import Connection, Vendor, WebhookEndpoint
from integrations.selectors.figures import (
    Failure,
    Incoming,
    Outgoing,
    failures_of,
    incoming_of,
    open_conflicts,
    outgoing_of,
    outgoing_texts,
)

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One destination: a connection, or a subscriber."""

    id: UUID
    kind: str
    """connection or subscriber"""
    name: str
    vendor: str
    state: str
    attention: str
    breaker: str = "closed"
    last_success_at: datetime | None = None
    last_error: str = ""
    outgoing: Outgoing = field(default_factory=Outgoing)
    incoming: Incoming = field(default_factory=Incoming)
    conflicts: int = 0
    failures: tuple[Failure, ...] = ()


def standings(
    *, actor: Actor, now: datetime, window: timedelta = WINDOW
) -> list[Standing]:
    """Return how all stand that the actor sees: connections first, each by name.

    Counts are of what began within the window; what waits, is parked or dead counts
    whatever its age. A constant number of queries.
    """
    connections = list(
        Connection.objects.visible_to(actor).select_related("health").order_by("name")
    )
    subscribers = list(WebhookEndpoint.objects.visible_to(actor).order_by("url"))
    ids = [each.pk for each in (*connections, *subscribers)]
    outgoing = outgoing_of(ids, since=now - window, now=now)
    texts = next((c for c in connections if c.vendor == Vendor.TWILIO), None)
    if texts is not None:
        outgoing[texts.pk] = outgoing_texts(since=now - window, now=now)
    facts = _Facts(
        outgoing=outgoing,
        incoming=incoming_of(
            [each.pk for each in connections], since=now - window, now=now
        ),
        conflicts=open_conflicts(),
        failures=failures_of(ids),
    )
    return [
        *(_of_connection(each, facts) for each in connections),
        *(_of_subscriber(each, facts) for each in subscribers),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    outgoing: Mapping[UUID, Outgoing]
    incoming: Mapping[UUID, Incoming]
    conflicts: Mapping[UUID, int]
    failures: Mapping[UUID, tuple[Failure, ...]]


def _of_connection(connection: Connection, facts: _Facts) -> Standing:
    health = getattr(connection, "health", None)
    return Standing(
        id=connection.pk,
        kind="connection",
        name=connection.name,
        vendor=connection.get_vendor_display(),
        state=connection.state,
        attention=connection.attention,
        breaker=health.breaker if health else "closed",
        last_success_at=health.last_success_at if health else None,
        last_error=health.last_error if health else "",
        outgoing=facts.outgoing.get(connection.pk, Outgoing()),
        incoming=facts.incoming.get(connection.pk, Incoming()),
        conflicts=facts.conflicts.get(connection.pk, 0),
        failures=facts.failures.get(connection.pk, ()),
    )


def _of_subscriber(endpoint: WebhookEndpoint, facts: _Facts) -> Standing:
    return Standing(
        id=endpoint.pk,
        kind="subscriber",
        name=endpoint.description or endpoint.url,
        vendor="Webhooks",
        state="active" if endpoint.is_active else "disabled",
        attention=endpoint.disabled_because,
        outgoing=facts.outgoing.get(endpoint.pk, Outgoing()),
        failures=facts.failures.get(endpoint.pk, ()),
    )
