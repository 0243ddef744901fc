"""Where Larkspur has branches. ZIPs and their places come from real data."""

from dataclasses import dataclass

COMPANY = "Larkspur Home Comfort"
EMAIL_DOMAIN = "larkspur.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPlan:
    """A branch: its seat, and its zones as (name, ZIP in the middle of it).

    A ZIP within `radius_miles` of the seat belongs to the nearest zone's middle.
    The local time zone follows from the seat's ZIP.
    """

    code: str
    city: str
    seat: str
    street: str
    radius_miles: float
    area_codes: tuple[str, ...]
    zones: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return f"Larkspur {self.city}"


SMALL: tuple[BranchPlan, ...] = (
    BranchPlan(
        code="phoenix",
        city="Phoenix",
        seat="85016",
        street="2820 E Indian School Rd",
        radius_miles=19,
        area_codes=("602", "480", "623", "520", "928"),
        zones=(
            ("Central", "85004"),
            ("East Valley", "85204"),
            ("North Valley", "85254"),
            ("West Valley", "85345"),
        ),
    ),
    BranchPlan(
        code="denver",
        city="Denver",
        seat="80206",
        street="3300 E 1st Ave",
        radius_miles=17,
        area_codes=("303", "720", "983", "970", "719"),
        zones=(
            ("City", "80202"),
            ("Aurora", "80012"),
            ("North Metro", "80020"),
            ("South Suburbs", "80112"),
            ("Foothills", "80401"),
        ),
    ),
    BranchPlan(
        code="dallas",
        city="Dallas",
        seat="75214",
        street="6333 E Mockingbird Ln",
        radius_miles=18,
        area_codes=("214", "469", "972", "945", "817"),
        zones=(
            ("Downtown and Lakewood", "75214"),
            ("Northern Suburbs", "75023"),
            ("Mid-Cities", "75061"),
            ("East County", "75149"),
        ),
    ),
)

# With these the company has eight branches in eight time zones.
GROWTH: tuple[BranchPlan, ...] = (
    BranchPlan(
        code="charlotte",
        city="Charlotte",
        seat="28202",
        street="401 S Tryon St",
        radius_miles=20,
        area_codes=("704", "980"),
        zones=(("Uptown", "28202"), ("University", "28213"), ("South", "28277")),
    ),
    BranchPlan(
        code="sacramento",
        city="Sacramento",
        seat="95814",
        street="1215 K St",
        radius_miles=22,
        area_codes=("916", "279"),
        zones=(("City", "95814"), ("Foothills", "95630"), ("South", "95758")),
    ),
    BranchPlan(
        code="indianapolis",
        city="Indianapolis",
        seat="46204",
        street="120 Monument Cir",
        radius_miles=20,
        area_codes=("317", "463"),
        zones=(("Center", "46204"), ("Hamilton", "46032"), ("South Side", "46142")),
    ),
    BranchPlan(
        code="detroit",
        city="Detroit",
        seat="48226",
        street="600 Woodward Ave",
        radius_miles=22,
        area_codes=("313", "248", "586"),
        zones=(("City", "48226"), ("Oakland", "48083"), ("Macomb", "48066")),
    ),
    BranchPlan(
        code="boise",
        city="Boise",
        seat="83702",
        street="800 W Main St",
        radius_miles=22,
        area_codes=("208", "986"),
        zones=(("Boise", "83702"), ("Meridian", "83642"), ("Nampa", "83686")),
    ),
)

# Monday to Saturday; (weekday, opens, closes) in hours of the local day.
OPENING_HOURS: tuple[tuple[int, int, int], ...] = (
    *((weekday, 7, 18) for weekday in range(5)),
    (5, 7, 15),
)

# Days on which Larkspur stays closed, where the state keeps them.
CLOSED_ON: tuple[str, ...] = (
    "New Year's Day",
    "Good Friday",
    "Memorial Day",
    "Independence Day",
    "Labor Day",
    "Thanksgiving",
    "Day After Thanksgiving",
    "Friday After Thanksgiving",
    "Christmas Eve",
    "Christmas Day",
)
