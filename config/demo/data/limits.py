"""What is out of the ordinary at Larkspur: big jobs, caps, and who goes to whom."""

from dataclasses import dataclass

# What each branch has on its books beside the day's work, and what it was asked for.
JOBS = ("condenser-swap", "furnace-retrofit", "condenser-swap")
REQUESTS = ("gas-line-extension", "gas-line-extension")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapPlan:
    """At most `most` visits a day; what is not said means all."""

    branch: str
    most: int
    service: str | None = None
    zone: str | None = None
    weekday: int | None = None


CAPS = (
    CapPlan(branch="phoenix", most=2, service="heat-pump-install"),
    CapPlan(branch="phoenix", most=12, weekday=5),
    CapPlan(branch="denver", most=6, service="in-home-estimate"),
    CapPlan(branch="denver", most=10, zone="Foothills"),
    CapPlan(branch="dallas", most=2, service="duct-cleaning", weekday=0),
)

# Per branch: customers who ask for the one they know, and who want somebody else.
PREFERRED, BARRED = 4, 2
WHY_PREFERRED = ("Knows the house", "Speaks Spanish", "Was here last year", "")
WHY_BARRED = ("Came late twice", "Allergic to his dog", "")
