"""Changes to visits. Each is one transaction: lock, rule, rows, event."""

from appointments.services.adopting import Adoption, Plan, adopt, follow
from appointments.services.booking import BookingRequest, SlotUnavailable, book
from appointments.services.details import update_notes
from appointments.services.holding import HoldExpired, HoldMismatch
from appointments.services.holds import HoldRequest, TooManyHolds, held, hold, release
from appointments.services.limits import (
    CapListed,
    change_cap,
    create_cap,
    delete_cap,
    delete_preference,
    set_preference,
)
from appointments.services.moving import assign, reschedule, unassign
from appointments.services.relocating import relocate_visits
from appointments.services.requests import approve, decline
from appointments.services.steps import InvalidTransition, cancel, change_status
from appointments.services.swapping import Exchange, NotSwappable, swap

__all__ = [
    "Adoption",
    "BookingRequest",
    "CapListed",
    "Exchange",
    "HoldExpired",
    "HoldMismatch",
    "HoldRequest",
    "InvalidTransition",
    "NotSwappable",
    "Plan",
    "SlotUnavailable",
    "TooManyHolds",
    "adopt",
    "approve",
    "assign",
    "book",
    "cancel",
    "change_cap",
    "change_status",
    "create_cap",
    "decline",
    "delete_cap",
    "delete_preference",
    "follow",
    "held",
    "hold",
    "release",
    "relocate_visits",
    "reschedule",
    "set_preference",
    "swap",
    "unassign",
    "update_notes",
]
