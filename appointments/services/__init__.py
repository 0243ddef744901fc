"""Changes to visits. Each is one transaction: lock, rule, rows, event."""

from appointments.services.booking import BookingRequest, SlotUnavailable, book
from appointments.services.details import update_notes
from appointments.services.moving import assign, reschedule, unassign
from appointments.services.steps import InvalidTransition, cancel, change_status
from appointments.services.swapping import Exchange, NotSwappable, swap

__all__ = [
    "BookingRequest",
    "Exchange",
    "InvalidTransition",
    "NotSwappable",
    "SlotUnavailable",
    "assign",
    "book",
    "cancel",
    "change_status",
    "reschedule",
    "swap",
    "unassign",
    "update_notes",
]
