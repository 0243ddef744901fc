"""What Larkspur sells, and the skills that it takes."""

from dataclasses import dataclass

SKILLS: dict[str, str] = {
    "epa-608": "EPA 608 certificate (refrigerants)",
    "nate": "NATE certificate",
    "gas": "Gas fitting licence",
    "electrical": "Low-voltage and line electrical",
    "refrigeration": "Refrigerant circuit repair",
    "heat-pump": "Heat pumps",
    "mini-split": "Ductless mini-splits",
    "ductwork": "Ductwork",
    "boiler": "Boilers and hydronics",
    "air-quality": "Indoor air quality",
    "installation": "System installation",
    "advice": "Estimates and advice",
}

# Certificates run out; trade skills do not.
CERTIFICATES = frozenset({"nate", "gas", "boiler"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """A service as it is sold. Lengths are minutes, the price is in cents.

    `share` says how often it is asked for, beside the others; what has none is rare,
    and planned apart.
    """

    code: str
    name: str
    about: str
    duration: int
    price: int
    skills: tuple[str, ...] = ()
    before: int = 0
    after: int = 15
    window: int | None = 120  # None: booked by exact start
    notice: int = 24 * 60
    horizon: int = 60
    emergency: bool = False
    public: bool = True
    crew: int = 1
    splits: bool = False
    approval: bool = False
    share: int = 0


SERVICES: tuple[ServicePlan, ...] = (
    ServicePlan(
        code="ac-tune-up",
        name="AC tune-up",
        about="Clean the coils, check charge and airflow, test the controls.",
        duration=60,
        price=12_900,
        skills=("epa-608",),
        share=18,
    ),
    ServicePlan(
        code="furnace-tune-up",
        name="Furnace tune-up",
        about="Inspect the burner and heat exchanger, measure combustion.",
        duration=75,
        price=12_900,
        skills=("gas",),
        share=16,
    ),
    ServicePlan(
        code="heat-pump-tune-up",
        name="Heat pump tune-up",
        about="Check both seasons' operation, defrost and refrigerant charge.",
        duration=75,
        price=13_900,
        skills=("epa-608", "heat-pump"),
        share=7,
    ),
    ServicePlan(
        code="no-cool-diagnostic",
        name="No cooling: find the fault",
        about="A technician finds out why it does not cool, and quotes the repair.",
        duration=90,
        price=9_900,
        skills=("epa-608", "electrical"),
        notice=120,
        horizon=30,
        share=12,
    ),
    ServicePlan(
        code="no-heat-diagnostic",
        name="No heating: find the fault",
        about="A technician finds out why it does not heat, and quotes the repair.",
        duration=90,
        price=9_900,
        skills=("gas", "electrical"),
        notice=120,
        horizon=30,
        share=12,
    ),
    ServicePlan(
        code="no-heat-emergency",
        name="No heat emergency, day and night",
        about="For homes that cannot wait: frost, infants, illness.",
        duration=90,
        price=24_900,
        skills=("gas",),
        notice=60,
        horizon=2,
        emergency=True,
        share=3,
    ),
    ServicePlan(
        code="refrigerant-leak-repair",
        name="Refrigerant leak repair",
        about="Find the leak, repair it, evacuate and charge the circuit.",
        duration=150,
        price=48_500,
        skills=("epa-608", "refrigeration"),
        after=30,
        share=5,
    ),
    ServicePlan(
        code="electrical-repair",
        name="Capacitor and contactor replacement",
        about="Replace worn electrical parts of the outdoor unit.",
        duration=60,
        price=28_900,
        skills=("electrical",),
        notice=4 * 60,
        share=6,
    ),
    ServicePlan(
        code="drain-line-clearing",
        name="Drain line clearing",
        about="Flush the condensate line and set the float switch.",
        duration=45,
        price=15_900,
        notice=4 * 60,
        share=5,
    ),
    ServicePlan(
        code="thermostat-install",
        name="Smart thermostat installation",
        about="Fit, wire and set up a thermostat of yours or ours.",
        duration=60,
        price=18_900,
        skills=("electrical",),
        share=7,
    ),
    ServicePlan(
        code="filter-change",
        name="Filter change",
        about="Bring and fit the right filters.",
        duration=30,
        price=4_900,
        after=10,
        share=6,
    ),
    ServicePlan(
        code="co-safety-check",
        name="Carbon monoxide safety check",
        about="Measure flue gas and room air, test the alarms.",
        duration=30,
        price=5_900,
        skills=("gas",),
        notice=4 * 60,
        share=4,
    ),
    ServicePlan(
        code="duct-cleaning",
        name="Duct cleaning",
        about="Clean supply and return ducts of a home up to 2,500 sq ft.",
        duration=180,
        price=39_900,
        skills=("ductwork",),
        after=30,
        share=5,
    ),
    ServicePlan(
        code="air-quality-check",
        name="Indoor air quality check",
        about="Measure particles, VOC, humidity and CO2, and explain the result.",
        duration=60,
        price=14_900,
        skills=("air-quality",),
        share=5,
    ),
    ServicePlan(
        code="humidifier-install",
        name="Whole-house humidifier",
        about="Install a bypass humidifier on the supply duct.",
        duration=120,
        price=64_900,
        skills=("air-quality", "electrical"),
        share=2,
    ),
    ServicePlan(
        code="boiler-service",
        name="Boiler service",
        about="Annual service of a gas boiler, with bleeding of radiators.",
        duration=105,
        price=21_900,
        skills=("boiler", "gas"),
        share=2,
    ),
    ServicePlan(
        code="mini-split-install",
        name="Mini-split installation",
        about="Mount, connect and commission a single-zone mini-split.",
        duration=300,
        price=389_000,
        skills=("epa-608", "mini-split"),
        before=15,
        after=30,
        window=60,
        notice=3 * 24 * 60,
        horizon=90,
        public=False,
        share=3,
    ),
    ServicePlan(
        code="heat-pump-install",
        name="Heat pump installation",
        about="Take out the old system, set and commission a ducted heat pump.",
        duration=480,
        price=1_149_000,
        skills=("epa-608", "heat-pump", "installation"),
        before=15,
        after=30,
        window=60,
        notice=5 * 24 * 60,
        horizon=120,
        public=False,
        share=4,
    ),
    ServicePlan(
        code="in-home-estimate",
        name="In-home estimate",
        about="An adviser measures the home and leaves a written offer. Free.",
        duration=60,
        price=0,
        skills=("advice",),
        before=15,
        after=15,
        window=None,
        share=9,
    ),
    ServicePlan(
        code="warranty-call",
        name="Warranty call",
        about="We look again at work that we did, at no charge.",
        duration=45,
        price=0,
        notice=120,
        public=False,
        share=3,
    ),
    ServicePlan(
        code="condenser-swap",
        name="Outdoor unit replacement",
        about="Two technicians take out the old condenser and set the new one.",
        duration=240,
        price=489_000,
        skills=("epa-608", "electrical"),
        before=15,
        after=30,
        notice=3 * 24 * 60,
        horizon=90,
        public=False,
        crew=2,
    ),
    ServicePlan(
        code="furnace-retrofit",
        name="Furnace retrofit",
        about="A new furnace with flue and wiring: the better part of two days.",
        duration=12 * 60,
        price=729_000,
        skills=("gas", "electrical"),
        after=30,
        window=60,
        notice=5 * 24 * 60,
        horizon=120,
        public=False,
        splits=True,
    ),
    ServicePlan(
        code="gas-line-extension",
        name="Gas line extension",
        about="A new outlet. We look at your wish before we agree on the time.",
        duration=120,
        price=64_900,
        skills=("gas",),
        notice=2 * 24 * 60,
        approval=True,
    ),
)
