"""Send one webhook, and judge what came back."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import httpx2
from django.conf import settings

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from integrations.models import WebhookEndpoint
from integrations.rules.answers import GONE, outcome_of, retry_after
from integrations.rules.targets import UnsafeTarget, check_url
from integrations.services import outbound
from integrations.services.endpoints import disable_for
from integrations.services.fanout import body_of
from integrations.services.signing import message_id, signed_headers

# After so long without a single success nobody is there any more.
GIVE_UP_AFTER = timedelta(days=5)
_EXCERPT = 2000
# Read before each try, so that what was switched off is not called; the ORM would put
# it together anew each time.
_ENDPOINT = "SELECT * FROM integrations_webhookendpoint WHERE id = %s::uuid"


def deliver_webhook(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Post a message to its endpoint, signed anew for this try."""
    endpoint = next(
        iter(WebhookEndpoint.objects.raw(_ENDPOINT, [message.destination])), None
    )
    if endpoint is None:
        return Outcome(kind=AttemptOutcome.UNWANTED, error="The endpoint is gone.")
    if not endpoint.is_active:
        return Outcome(kind=AttemptOutcome.PARKED, error=endpoint.disabled_because)
    outcome = _post(endpoint, message, now=now)
    _learn(endpoint, outcome, now=now)
    return outcome


def _post(
    endpoint: WebhookEndpoint, message: OutboxMessage, *, now: datetime
) -> Outcome:
    allow_private = settings.WEBHOOK_ALLOW_PRIVATE_TARGETS
    try:
        check_url(endpoint.url, allow_private=allow_private)
        with (
            outbound.client(allow_private=allow_private) as client,
            _request(client, endpoint, message, now=now) as response,
        ):
            return _read(response, now=now)
    except UnsafeTarget as refusal:
        return Outcome(kind=AttemptOutcome.REJECTED, error=str(refusal))
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        return _failed(AttemptOutcome.RETRYABLE, error)
    except httpx2.HTTPError as error:
        # The request may have been heard: only the answer is missing.
        return _failed(AttemptOutcome.UNKNOWN, error)
    except httpx2.InvalidURL as error:
        return _failed(AttemptOutcome.REJECTED, error)


def _request(
    client: httpx2.Client,
    endpoint: WebhookEndpoint,
    message: OutboxMessage,
    *,
    now: datetime,
) -> AbstractContextManager[httpx2.Response]:
    body = body_of(message.payload)
    headers = {
        "Content-Type": "application/json",
        **signed_headers(
            name=message_id(key=message.key),
            body=body,
            keys=_secrets(endpoint, now=now),
            now=now,
        ),
    }
    if message.request_id:
        headers["X-Request-ID"] = message.request_id
    return client.stream("POST", endpoint.url, content=body, headers=headers)


def _secrets(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets to sign with: the old one too, while it is being replaced."""
    until = endpoint.previous_secret_until
    if until is not None and now < until:
        return [endpoint.secret, endpoint.previous_secret]
    return [endpoint.secret]


def _read(response: httpx2.Response, *, now: datetime) -> Outcome:
    """Judge an answer; of its body only a head is read and kept."""
    status = response.status_code
    head = b""
    try:
        for chunk in response.iter_raw():
            head += chunk
            if len(head) >= outbound.MOST_BYTES:
                break
    except httpx2.HTTPError:
        pass  # the status has been said; the rest of the body says nothing more
    kind = outcome_of(status)
    return Outcome(
        kind=kind,
        http_status=status,
        error="" if kind is AttemptOutcome.OK else f"HTTP {status}",
        response_excerpt=head[:_EXCERPT].decode(errors="replace"),
        retry_after=retry_after(response.headers.get("Retry-After"), now=now),
    )


def _failed(kind: AttemptOutcome, error: Exception) -> Outcome:
    return Outcome(kind=kind, error=f"{type(error).__name__}: {error}")


def _learn(endpoint: WebhookEndpoint, outcome: Outcome, *, now: datetime) -> None:
    """Note when an endpoint began to fail, and switch it off when it is gone."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if outcome.kind == AttemptOutcome.OK:
        if endpoint.failing_since:
            rows.update(failing_since=None)
        return
    if outcome.http_status == GONE:
        disable_for(endpoint_id=endpoint.pk, because="It answered 410 Gone.", now=now)
    elif endpoint.failing_since is None:
        rows.filter(failing_since=None).update(failing_since=now)
    elif now - endpoint.failing_since >= GIVE_UP_AFTER:
        disable_for(endpoint_id=endpoint.pk, because="It failed for 5 days.", now=now)
