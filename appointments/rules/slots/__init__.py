"""The one predicate: may this start be promised, and can this technician keep it?

Everything that offers, holds, books, moves, assigns or imports a visit asks here
(R8), so that a slot offered is a slot that can be booked. All is pure: the caller
loads the facts, and passes `now` in.
"""

from appointments.rules.slots.facts import (
    EXACT_PROMISE,
    GRID,
    Branch,
    CapState,
    Override,
    Placement,
    Promise,
    Reason,
    Shift,
    Span,
    Stop,
    Terms,
    Wish,
    Worker,
    minute_from,
    occupied_by,
    to_minute,
    to_moment,
)
from appointments.rules.slots.matching import offered, offers, placements
from appointments.rules.slots.promises import (
    promise_at,
    promise_refusal,
    promises_on,
    work_starts,
)
from appointments.rules.slots.reasons import common_refusal, start_refusal, why_not
from appointments.rules.slots.starts import fitness_refusal, parts_from
from appointments.rules.slots.stops import has_holds, live, stop, unpacked

__all__ = [
    "EXACT_PROMISE",
    "GRID",
    "Branch",
    "CapState",
    "Override",
    "Placement",
    "Promise",
    "Reason",
    "Shift",
    "Span",
    "Stop",
    "Terms",
    "Wish",
    "Worker",
    "common_refusal",
    "fitness_refusal",
    "has_holds",
    "live",
    "minute_from",
    "occupied_by",
    "offered",
    "offers",
    "parts_from",
    "placements",
    "promise_at",
    "promise_refusal",
    "promises_on",
    "start_refusal",
    "stop",
    "to_minute",
    "to_moment",
    "unpacked",
    "why_not",
    "work_starts",
]
