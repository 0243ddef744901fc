"""Changes to technicians and their time. Each takes the technician's row lock.

Bookings take the same lock, so a change and a booking of one technician take turns.
A change that booked visits could not be kept after is refused, or takes the
technicians off them, as its `on_conflict` says (R13; see `core.roster`).
"""

from technicians.services.absences import EndsBeforeStart, add_time_off, remove_time_off
from technicians.services.crew import (
    UserTaken,
    create_technician,
    deactivate_technician,
    reactivate_technician,
    update_technician,
)
from technicians.services.shifts import (
    ExceptionListed,
    ShiftExceptionForm,
    ShiftListedTwice,
    WeeklyShiftForm,
    add_shift_exception,
    remove_shift_exception,
    set_weekly_shifts,
)
from technicians.services.skills import (
    SkillGrant,
    grant_skill,
    revoke_skill,
    set_skills,
)

__all__ = [
    "EndsBeforeStart",
    "ExceptionListed",
    "ShiftExceptionForm",
    "ShiftListedTwice",
    "SkillGrant",
    "UserTaken",
    "WeeklyShiftForm",
    "add_shift_exception",
    "add_time_off",
    "create_technician",
    "deactivate_technician",
    "grant_skill",
    "reactivate_technician",
    "remove_shift_exception",
    "remove_time_off",
    "revoke_skill",
    "set_skills",
    "set_weekly_shifts",
    "update_technician",
]
