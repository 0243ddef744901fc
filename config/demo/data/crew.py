"""What kinds of technicians Larkspur has, and when they work."""

from dataclasses import dataclass

# Shifts of one day as (starts, ends), wall time in minutes after midnight.
Day = tuple[tuple[int, int], ...]
Week = dict[int, Day]

_HOUR = 60
_EARLY: Day = ((7 * _HOUR, 15 * _HOUR + 30),)
_USUAL: Day = ((8 * _HOUR, 12 * _HOUR), (12 * _HOUR + 30, 17 * _HOUR))
_LATE: Day = ((9 * _HOUR + 30, 18 * _HOUR + 30),)
_LONG: Day = ((7 * _HOUR, 17 * _HOUR + 30),)
_SATURDAY: Day = ((8 * _HOUR, 16 * _HOUR),)
_WEEKDAYS = range(5)

EARLY: Week = dict.fromkeys(_WEEKDAYS, _EARLY)
USUAL: Week = dict.fromkeys(_WEEKDAYS, _USUAL)
LATE: Week = dict.fromkeys(_WEEKDAYS, _LATE)
FOUR_LONG: Week = dict.fromkeys(range(4), _LONG)
SATURDAY_CREW: Week = dict.fromkeys(range(1, 5), _USUAL) | {5: _SATURDAY}

# On call. A night lasts until the next morning.
NIGHT = (18 * _HOUR, 6 * _HOUR)
SUNDAY_DAYLIGHT = (8 * _HOUR, 18 * _HOUR)


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of technician."""

    skills: tuple[str, ...]
    week: Week
    on_call: bool = False
    keeps_to_zone: bool = False


_SERVICE = ("epa-608", "nate", "gas", "electrical")
_MAINTENANCE = ("epa-608", "gas")

# A branch fills its roster from the top, and begins again.
ROSTER: tuple[Role, ...] = (
    Role((*_SERVICE, "refrigeration", "heat-pump"), EARLY, on_call=True),
    Role((*_SERVICE, "boiler", "heat-pump"), SATURDAY_CREW, on_call=True),
    Role((*_MAINTENANCE, "heat-pump"), USUAL, keeps_to_zone=True),
    Role((*_SERVICE, "mini-split", "heat-pump", "installation"), FOUR_LONG),
    Role(("advice", "air-quality"), LATE),
    Role((*_MAINTENANCE, "ductwork", "air-quality", "electrical"), USUAL),
    Role((*_SERVICE, "refrigeration"), LATE, on_call=True),
    Role((*_MAINTENANCE, "electrical"), SATURDAY_CREW, keeps_to_zone=True),
    Role(("epa-608", "electrical", "mini-split", "ductwork"), EARLY),
    Role(("advice", "air-quality", "electrical"), SATURDAY_CREW),
)

HEADCOUNT: dict[str, int] = {"phoenix": 10, "denver": 8, "dallas": 7}

TIME_OFF_REASONS = ("Vacation", "Medical", "Training", "Family", "Jury duty")
