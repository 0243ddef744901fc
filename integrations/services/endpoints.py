"""Add, change and remove subscribers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpcore2
from django.conf import settings
from django.db import transaction

from core.actors import SYSTEM, Actor
from core.db import on_breach
from core.errors import Conflict, NotFound, VersionConflict
from core.events import emit
from core.models import Location, OutboxMessage
from core.outbox import enqueue
from core.services import call_off_all, park, unpark
from integrations.models import WebhookEndpoint
from integrations.rules.targets import UnsafeTarget, check_url
from integrations.services.fanout import KIND
from integrations.services.outbound import safe_addresses
from integrations.services.signing import new_secret
from integrations.services.timed import addresses_of, resolve_by_system

# So long receivers may take to change over to a new secret.
OVERLAP = timedelta(hours=24)
TEST_EVENT = "endpoint.test"
_UNIQUE = "webhook_endpoint_is_unique"


class EndpointExists(Conflict):
    """That URL is told already."""

    code = "endpoint_exists"
    title = "This URL is subscribed already"


@transaction.atomic
def create_endpoint(
    *,
    url: str,
    actor: Actor,
    now: datetime,
    description: str = "",
    event_names: list[str] | None = None,
    location: Location | None = None,
    secret: str = "",
) -> WebhookEndpoint:
    """Subscribe a URL; no names means all events. Its secret is shown this once.

    Emits:
        webhook_endpoint.created
    Raises:
        UnsafeTarget: the house does not call that URL.
        EndpointExists
    """
    check_target(url=url)
    with on_breach(_UNIQUE, EndpointExists(f"{url} is subscribed.")):
        endpoint = WebhookEndpoint.objects.create(
            url=url,
            description=description,
            event_names=event_names or [],
            location=location,
            secret=secret or new_secret(),
        )
    _emit(endpoint, "webhook_endpoint.created", actor=actor, now=now)
    return endpoint


@transaction.atomic
def update_endpoint(
    *,
    endpoint_id: UUID,
    changes: dict[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> WebhookEndpoint:
    """Change url, description, event_names or is_active.

    What waits for an endpoint that is switched off is parked, and goes out in its
    order when it is switched on again.

    Emits:
        webhook_endpoint.updated
    Raises:
        UnsafeTarget, EndpointExists, VersionConflict, NotFound
    """
    endpoint = _locked(endpoint_id, actor=actor, expected_version=expected_version)
    changed = sorted(
        name for name, value in changes.items() if getattr(endpoint, name) != value
    )
    if not changed:
        return endpoint
    for name in changed:
        setattr(endpoint, name, changes[name])
    if "url" in changed:
        check_target(url=endpoint.url)
        endpoint.failing_since = None
    if "is_active" in changed:
        _switch(endpoint, because=f"Switched off by {actor.label}.")
    with on_breach(_UNIQUE, EndpointExists(f"{endpoint.url} is subscribed.")):
        _save(endpoint)
    _emit(endpoint, "webhook_endpoint.updated", actor=actor, now=now, changed=changed)
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint_id: UUID, actor: Actor, now: datetime) -> WebhookEndpoint:
    """Give an endpoint a new secret, shown this once; both sign for 24 hours.

    Emits:
        webhook_endpoint.secret_rotated
    Raises:
        NotFound
    """
    endpoint = _locked(endpoint_id, actor=actor)
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = now + OVERLAP
    endpoint.secret = new_secret()
    _save(endpoint)
    _emit(endpoint, "webhook_endpoint.secret_rotated", actor=actor, now=now)
    return endpoint


@transaction.atomic
def disable_endpoint(
    *, endpoint_id: UUID, because: str, actor: Actor, now: datetime
) -> WebhookEndpoint:
    """Switch an endpoint off; twice is as good as once.

    Emits:
        webhook_endpoint.disabled
    Raises:
        NotFound
    """
    endpoint = _locked(endpoint_id, actor=actor)
    if endpoint.is_active:
        endpoint.is_active = False
        parked = _switch(endpoint, because=because)
        _save(endpoint)
        _emit(
            endpoint,
            "webhook_endpoint.disabled",
            actor=actor,
            now=now,
            reason=because,
            parked=parked,
        )
    return endpoint


def disable_for(*, endpoint_id: UUID, because: str, now: datetime) -> None:
    """Switch an endpoint off for how it behaves."""
    disable_endpoint(endpoint_id=endpoint_id, because=because, actor=SYSTEM, now=now)


@transaction.atomic
def delete_endpoint(
    *,
    endpoint_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Remove an endpoint, and call off what waits for it.

    Emits:
        webhook_endpoint.deleted
    Raises:
        VersionConflict, NotFound
    """
    endpoint = _locked(endpoint_id, actor=actor, expected_version=expected_version)
    call_off_all(kind=KIND, destination=str(endpoint.pk))
    _emit(endpoint, "webhook_endpoint.deleted", actor=actor, now=now)
    endpoint.delete()


@transaction.atomic
def send_test(*, endpoint_id: UUID, actor: Actor, now: datetime) -> OutboxMessage:
    """Send an event of no meaning, so that a receiver can be tried out.

    Raises:
        NotFound
    """
    endpoint = _locked(endpoint_id, actor=actor)
    about = {"id": str(endpoint.pk), "object": "webhook_endpoint"}
    return enqueue(
        kind=KIND,
        destination=str(endpoint.pk),
        of=("webhook_endpoint", endpoint.pk),
        payload={"type": TEST_EVENT, "timestamp": now.isoformat(), "data": about},
    )


def check_target(*, url: str) -> None:
    """Refuse a URL that the house does not call; each delivery checks again.

    Raises:
        UnsafeTarget
    """
    allow_private = settings.WEBHOOK_ALLOW_PRIVATE_TARGETS
    target = check_url(url, allow_private=allow_private)
    if allow_private:
        return
    try:
        found = addresses_of(
            target.host, target.port, resolve=resolve_by_system, seconds=2
        )
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise UnsafeTarget("The name cannot be resolved.") from error
    safe_addresses(found, allow_private=False)


def _locked(
    endpoint_id: UUID, *, actor: Actor, expected_version: int | None = None
) -> WebhookEndpoint:
    visible = WebhookEndpoint.objects.visible_to(actor)
    endpoint = visible.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound
    if expected_version is not None and expected_version != endpoint.version:
        raise VersionConflict(
            f"The endpoint is at version {endpoint.version}.", current=endpoint
        )
    return endpoint


def _switch(endpoint: WebhookEndpoint, *, because: str) -> int:
    """Let what waits for the endpoint follow its being on or off; return how much."""
    destination = str(endpoint.pk)
    if endpoint.is_active:
        endpoint.disabled_because = ""
        endpoint.failing_since = None
        return unpark(destination=destination)
    endpoint.disabled_because = because[:200]
    return park(destination=destination)


def _save(endpoint: WebhookEndpoint) -> None:
    endpoint.version += 1
    endpoint.save()


def _emit(
    endpoint: WebhookEndpoint,
    name: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    **data: Any,
) -> None:
    """Say what happened to the endpoint; its secret is nobody's business."""
    emit(
        name,
        of=("webhook_endpoint", endpoint.pk),
        actor=actor,
        now=now,
        reason=reason,
        location_id=endpoint.location_id,
        data={"url": endpoint.url, **data},
    )
