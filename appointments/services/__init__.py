"""Changes to visits. Each is one transaction: lock, rule, rows, event."""

from appointments.services.booking import BookingRequest, SlotUnavailable, book
from appointments.services.details import update_notes
from appointments.services.moving import assign, reschedule, unassign
from appointments.services.steps import InvalidTransition, cancel, change_status

__all__ = [
    "BookingRequest",
    "InvalidTransition",
    "SlotUnavailable",
    "assign",
    "book",
    "cancel",
    "change_status",
    "reschedule",
    "unassign",
    "update_notes",
]
