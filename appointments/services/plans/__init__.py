"""Changes to maintenance plans, and the generator that books their visits.

Each takes the lock of the plan's row: whoever changes a plan and whoever books one of
its visits take turns.
"""

from appointments.services.plans.attempts import Outcome
from appointments.services.plans.changes import (
    BadSeasons,
    EndsBeforeStart,
    PlanForm,
    amend,
    create,
)
from appointments.services.plans.generation import (
    generate,
    open_periods,
    unopened_periods,
)
from appointments.services.plans.occurrences import (
    book_occurrence,
    close_occurrence,
    retry_occurrence,
    skip_occurrence,
)
from appointments.services.plans.steps import end, pause, resume

__all__ = [
    "BadSeasons",
    "EndsBeforeStart",
    "Outcome",
    "PlanForm",
    "amend",
    "book_occurrence",
    "close_occurrence",
    "create",
    "end",
    "generate",
    "open_periods",
    "pause",
    "resume",
    "retry_occurrence",
    "skip_occurrence",
    "unopened_periods",
]
