"""Write messages to customers, send them, and hear what comes back."""

from notifications.services.carriers import handle_reply, hear_reply, note_carrier
from notifications.services.sending import deliver_email, deliver_sms
from notifications.services.writing import write_messages

__all__ = [
    "deliver_email",
    "deliver_sms",
    "handle_reply",
    "hear_reply",
    "note_carrier",
    "write_messages",
]
