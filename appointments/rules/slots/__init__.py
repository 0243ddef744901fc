"""The one predicate: may this start be promised, and can this technician keep it?

Everything that offers, books, moves, assigns or imports a visit asks here (R8), so
that a slot offered is a slot that can be booked. All is pure: the caller loads the
facts, and passes `now` in.
"""

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    GRID,
    Branch,
    Interval,
    Placement,
    Promise,
    Reason,
    Terms,
    Wish,
    Worker,
    occupied_by,
    work_of,
)
from appointments.rules.slots.matching import (
    common_refusal,
    during,
    offers,
    placement,
    placements,
    why_not,
)
from appointments.rules.slots.promises import (
    promise_at,
    promise_refusal,
    promises_on,
    work_starts,
)
from appointments.rules.slots.technicians import (
    calendar_refusal,
    fitness_refusal,
    technician_refusal,
)

__all__ = [
    "EXACT_PROMISE",
    "GRID",
    "Branch",
    "Interval",
    "Placement",
    "Promise",
    "Reason",
    "Terms",
    "Wish",
    "Worker",
    "calendar_refusal",
    "common_refusal",
    "during",
    "fitness_refusal",
    "occupied_by",
    "offers",
    "placement",
    "placements",
    "promise_at",
    "promise_refusal",
    "promises_on",
    "technician_refusal",
    "why_not",
    "work_of",
    "work_starts",
]
