"""How far a message on its way out has come."""

from django.utils.safestring import SafeString

from core.admin.display import Tone, badge
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus

_TONES = {
    OutboxStatus.PENDING: Tone.CALM,
    OutboxStatus.LEASED: Tone.SENT,
    OutboxStatus.DELIVERED: Tone.ACTIVE,
    OutboxStatus.SUPERSEDED: Tone.DONE,
    OutboxStatus.DEAD: Tone.ALERT,
    OutboxStatus.CANCELLED: Tone.DONE,
    OutboxStatus.PARKED: Tone.WAITING,
}


def delivery_badge(message: OutboxMessage) -> SafeString:
    """Return the state; a pending message that failed before is a retry."""
    status = OutboxStatus(message.status)
    if status is OutboxStatus.PENDING and message.attempts:
        return badge("Retrying", Tone.WAITING, hint=message.last_error)
    word = "Sending" if status is OutboxStatus.LEASED else status.label
    return badge(word, _TONES[status], hint=message.last_error)
