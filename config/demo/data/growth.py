"""How much the large scale is, and who does all that work."""

from dataclasses import dataclass

from config.demo.data.crew import Role, Week
from config.demo.data.services import ServicePlan

_HOUR = 60

# Two million visits of 200 technicians in two years are some 15 a day for each: the
# added crews work every day, long, and mostly on short jobs, and have no time to drive
# from one to the next. Realism ends here.
DAY_STARTS, DAY_ENDS = 7 * _HOUR, 19 * _HOUR + 30
BREAK_STARTS, BREAK_ENDS = 13 * _HOUR, 13 * _HOUR + 30
EVERY_DAY: Week = dict.fromkeys(
    range(7), ((DAY_STARTS, BREAK_STARTS), (BREAK_ENDS, DAY_ENDS))
)
OPENS, CLOSES = 7, 20

ALL_ROUNDER = Role(
    ("epa-608", "gas", "electrical", "heat-pump", "refrigeration", "air-quality"),
    EVERY_DAY,
)

QUICK_SERVICES: tuple[ServicePlan, ...] = (
    ServicePlan(
        code="filter-drop-off",
        name="Filter drop-off",
        about="Filters by subscription, left at the door.",
        duration=15,
        price=2_900,
        after=0,
        public=False,
        share=0,
    ),
    ServicePlan(
        code="meter-reading",
        name="Meter reading",
        about="Read the run-time meter of a leased system.",
        duration=15,
        price=0,
        after=0,
        public=False,
        share=0,
    ),
    ServicePlan(
        code="sensor-swap",
        name="Sensor swap",
        about="Exchange a room sensor.",
        duration=25,
        price=3_900,
        after=5,
        public=False,
        share=0,
    ),
    ServicePlan(
        code="quick-check",
        name="Quick check",
        about="A look at the system between two tune-ups.",
        duration=25,
        price=3_500,
        after=5,
        public=False,
        share=0,
    ),
)

# What the added crews are asked for, by how often.
LOAD_MIX: dict[str, float] = {
    "filter-drop-off": 13,
    "meter-reading": 12,
    "sensor-swap": 20,
    "quick-check": 20,
    "filter-change": 9,
    "co-safety-check": 7,
    "drain-line-clearing": 4,
    "ac-tune-up": 5,
    "thermostat-install": 3,
    "furnace-tune-up": 3,
    "air-quality-check": 2,
    "heat-pump-tune-up": 2,
}

# How full a working day is: in the past; today; on the last day that is booked.
PAST_FILL, TODAY_FILL, LAST_FILL = 0.83, 0.80, 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many rows there are, over how many days around today."""

    customers: int
    leads: int
    visits: int
    days_back: int
    days_ahead: int
    technicians_per_branch: int
    days_between_absences: int


LARGE = Volume(
    customers=500_000,
    leads=500_000,
    visits=2_000_000,
    days_back=670,
    days_ahead=60,
    technicians_per_branch=25,
    days_between_absences=18,
)
