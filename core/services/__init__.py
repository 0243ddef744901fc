"""Move events and messages on, and change when branches are open."""

from core.services.branches import (
    ClosesBeforeOpening,
    HoursForm,
    ZipTaken,
    save_branch,
    save_zone,
    set_opening_hours,
)
from core.services.closing import (
    HolidayForm,
    HolidayListed,
    add_holiday,
    change_holiday,
    missing_holidays,
    prefill_holidays,
    remove_holiday,
)
from core.services.delivering import deliver, sweep
from core.services.housekeeping import prune
from core.services.publishing import publish_waiting
from core.services.replaying import (
    NotReplayable,
    call_off_all,
    cancel,
    park,
    replay,
    replay_many,
    unpark,
)

__all__ = [
    "ClosesBeforeOpening",
    "HolidayForm",
    "HolidayListed",
    "HoursForm",
    "NotReplayable",
    "ZipTaken",
    "add_holiday",
    "call_off_all",
    "cancel",
    "change_holiday",
    "deliver",
    "missing_holidays",
    "park",
    "prefill_holidays",
    "prune",
    "publish_waiting",
    "remove_holiday",
    "replay",
    "replay_many",
    "save_branch",
    "save_zone",
    "set_opening_hours",
    "sweep",
    "unpark",
]
