"""Send a message that was written, if it is still true."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.module_loading import import_string

from appointments.models import Appointment
from appointments.rules.states import Status
from core.models import Event, OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from leads.models import ConsentKind, Purpose
from leads.selectors import may_send
from notifications import selectors
from notifications.channels import (
    ChannelError,
    HeldBack,
    Message,
    Provider,
    Rejected,
    SwitchedOff,
    Unreachable,
    Unsure,
)
from notifications.models import Channel, Notification
from notifications.rules.relevance import Kind, reason_for_silence

_OUTCOMES = {
    Rejected: AttemptOutcome.REJECTED,
    Unreachable: AttemptOutcome.RETRYABLE,
    Unsure: AttemptOutcome.UNKNOWN,
    HeldBack: AttemptOutcome.POSTPONED,
    SwitchedOff: AttemptOutcome.POSTPONED,
}
# Whether somebody has switched the provider on again.
_LOOK_AGAIN = timedelta(minutes=1)


def deliver_email(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Send an e-mail that waits in the outbox."""
    return _deliver(message, now=now)


def deliver_sms(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Send a text message that waits in the outbox."""
    return _deliver(message, now=now)


def _deliver(message: OutboxMessage, *, now: datetime) -> Outcome:
    notification = (
        Notification.objects.select_related("appointment")
        .filter(pk=message.payload["notification"])
        .first()
    )
    if notification is None:
        return Outcome(kind=AttemptOutcome.UNWANTED, error="The message was deleted.")
    if notification.sent_at:
        # The provider had it, and the worker died before it could say so.
        return Outcome(kind=AttemptOutcome.OK)
    silence = _reason_for_silence(notification, message)
    if silence:
        _note(notification, suppressed_because=silence)
        return Outcome(kind=AttemptOutcome.UNWANTED, error=silence)
    return _hand_over(
        notification,
        Message(
            key=str(message.key),
            recipient=notification.recipient,
            subject=notification.subject,
            body=notification.body,
            perhaps_since=(
                notification.created_at
                if message.last_outcome == AttemptOutcome.UNKNOWN
                else None
            ),
        ),
        now=now,
    )


def _hand_over(
    notification: Notification, message: Message, *, now: datetime
) -> Outcome:
    provider: Provider = import_string(
        settings.NOTIFICATION_PROVIDERS[notification.channel]
    )()
    try:
        provider_message_id = provider.send(message, now=now)
    except ChannelError as error:
        wait = error.wait if isinstance(error, HeldBack) else _LOOK_AGAIN
        kind = _OUTCOMES[type(error)]
        held = wait if kind == AttemptOutcome.POSTPONED else None
        return Outcome(kind=kind, error=str(error), retry_after=held)
    _note(notification, sent_at=now, provider_message_id=provider_message_id[:120])
    return Outcome(kind=AttemptOutcome.OK)


def _reason_for_silence(notification: Notification, message: OutboxMessage) -> str:
    """Look at the visit and its customer again: much may have changed since."""
    visit = notification.appointment
    silence = reason_for_silence(
        kind=Kind(notification.kind),
        status=Status(visit.status),
        moved_since=_was_moved(visit, since=message.event),
    )
    if silence:
        return silence
    kind = ConsentKind(notification.channel)
    if not may_send(contact=notification.recipient, kind=kind, purpose=Purpose.SERVICE):
        return "They asked not to be written to there."
    reachable = selectors.recipients_of(customer_id=notification.customer_id)
    if reachable.get(Channel(notification.channel)) != notification.recipient:
        return "The customer no longer reads messages there."
    return ""


def _was_moved(visit: Appointment, *, since: Event | None) -> bool:
    """Tell whether the promise is another one than the event told of."""
    if since is None:
        return False
    told = (since.data["window_starts_at"], since.data["window_ends_at"])
    promise = (visit.window_starts_at, visit.window_ends_at)
    return tuple(map(datetime.fromisoformat, told)) != promise


def _note(notification: Notification, **change: object) -> None:
    Notification.objects.filter(pk=notification.pk).update(**change)
