"""Write messages to customers, and send them."""

from notifications.services.sending import deliver_email, deliver_sms
from notifications.services.writing import write_messages

__all__ = ["deliver_email", "deliver_sms", "write_messages"]
