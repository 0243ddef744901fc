"""Plain functions that make things; each test names only what it is about.

The company of the tests has one branch in Phoenix (no DST, UTC-7), unless a test
says otherwise. `NOW` is Monday 2027-03-01, 08:00 in Phoenix.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from appointments.models import (
    Appointment,
    Assignment,
    MaintenancePlan,
    PlanSeason,
    Service,
)
from appointments.rules.plans import MonthDay, Season
from core.actors import Role
from core.ids import make_reference
from core.models import Location, OpeningHours, Zone, ZoneZip
from leads.models import ContactKind, Customer, Lead, Property
from technicians.models import Skill, Technician, TechnicianSkill, TimeOff, WeeklyShift

PHOENIX = ZoneInfo("America/Phoenix")
NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
TODAY = date(2027, 3, 1)
TOMORROW = TODAY + timedelta(days=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PASSWORD = "correct-horse-battery-staple"

_numbers = count(1)


def local(
    day: date, hour: int, minute: int = 0, *, zone: ZoneInfo = PHOENIX
) -> datetime:
    """Return that wall time as an instant."""
    return datetime.combine(day, time(hour, minute), tzinfo=zone).astimezone(UTC)


def make_location(
    *, open_hours: tuple[int, int] | None = (8, 18), **given: Any
) -> Location:
    """Make a branch that is open every day, unless `open_hours` is None."""
    n = next(_numbers)
    fields = {"code": f"branch-{n}", "name": f"Branch {n}", "time_zone": PHOENIX}
    location = Location.objects.create(**fields | given)
    if open_hours:
        opens, closes = (time(hour) for hour in open_hours)
        OpeningHours.objects.bulk_create(
            OpeningHours(location=location, weekday=day, opens=opens, closes=closes)
            for day in range(7)
        )
    return location


def make_zone(*zips: str, **given: Any) -> Zone:
    """Make a zone that serves these ZIPs."""
    location = given.pop("location", None) or make_location()
    zone = Zone.objects.create(
        location=location, **{"name": f"Zone {next(_numbers)}"} | given
    )
    ZoneZip.objects.bulk_create(ZoneZip(zone=zone, postal_code=code) for code in zips)
    return zone


def make_user(
    role: Role = Role.DISPATCHER,
    *,
    locations: list[Location] | None = None,
    **given: Any,
) -> User:
    """Make a user with the tests' password, a member of `locations`."""
    n = next(_numbers)
    fields = {
        "email": f"user{n}@example.com",
        "name": f"User {n}",
        "role": role,
        "password": PASSWORD,
    }
    user = User.objects.create_user(**fields | given)
    user.locations.set(locations or [])
    return user


def make_skill(**given: Any) -> Skill:
    n = next(_numbers)
    return Skill.objects.create(**{"code": f"skill-{n}", "name": f"Skill {n}"} | given)


def make_technician(
    *,
    shift: tuple[int, int] | None = (8, 17),
    skills: list[Skill] | None = None,
    **given: Any,
) -> Technician:
    """Make a technician who works every day within `shift` (hours), or never."""
    location = given.pop("location", None) or make_location()
    name = f"Technician {next(_numbers)}"
    technician = Technician.objects.create(location=location, **{"name": name} | given)
    if shift:
        starts, ends = (time(hour) for hour in shift)
        WeeklyShift.objects.bulk_create(
            WeeklyShift(
                technician=technician,
                location=location,
                weekday=day,
                starts=starts,
                ends=ends,
            )
            for day in range(7)
        )
    TechnicianSkill.objects.bulk_create(
        TechnicianSkill(technician=technician, skill=skill) for skill in skills or []
    )
    return technician


def make_time_off(
    *, technician: Technician, starts_at: datetime, ends_at: datetime, **given: Any
) -> TimeOff:
    return TimeOff.objects.create(
        technician=technician, starts_at=starts_at, ends_at=ends_at, **given
    )


def make_customer(
    *, phone: str | None = None, email: str | None = None, **given: Any
) -> Customer:
    customer = Customer.objects.create(**{"name": f"Customer {next(_numbers)}"} | given)
    if phone:
        customer.contact_methods.create(kind=ContactKind.PHONE, value=phone)
    if email:
        customer.contact_methods.create(kind=ContactKind.EMAIL, value=email)
    return customer


def make_property(**given: Any) -> Property:
    customer = given.pop("customer", None) or make_customer()
    fields = {
        "line1": f"{next(_numbers)} Main St",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": "85004",
    }
    return Property.objects.create(customer=customer, **fields | given)


def make_lead(**given: Any) -> Lead:
    n = next(_numbers)
    fields = {
        "reference": make_reference("L"),
        "name": f"Visitor {n}",
        "fingerprint": f"{n:064d}",
        "phone": f"+1602555{n % 10000:04d}",
        "postal_code": "85004",
    }
    return Lead.objects.create(**fields | given)


def make_service(*, skills: list[Skill] | None = None, **given: Any) -> Service:
    """Make a one-hour service booked by two-hour windows, at one hour's notice."""
    n = next(_numbers)
    fields = {
        "code": f"service-{n}",
        "name": f"Service {n}",
        "duration_minutes": 60,
        "notice_minutes": 60,
    }
    service = Service.objects.create(**fields | given)
    service.skills.set(skills or [])
    return service


def make_appointment(
    *, technician: Technician | None = None, **given: Any
) -> Appointment:
    """Make a visit, by default tomorrow at nine, with `technician` on it if given.

    Written straight to the tables: the rules have their own tests.
    """
    location = given.pop("location", None) or (
        technician.location if technician else make_location()
    )
    address = given.pop("property", None) or make_property()
    service = given.pop("service", None) or make_service()
    starts_at = given.pop("starts_at", local(TOMORROW, 9))
    ends_at = given.pop(
        "ends_at", starts_at + timedelta(minutes=service.duration_minutes)
    )
    fields = {
        "reference": make_reference("V"),
        "window_starts_at": starts_at,
        "window_ends_at": starts_at + timedelta(minutes=service.window_minutes),
    }
    appointment = Appointment.objects.create(
        location=location,
        property=address,
        customer=address.customer,
        service=service,
        starts_at=starts_at,
        ends_at=ends_at,
        **fields | given,
    )
    if technician:
        make_assignment(appointment=appointment, technician=technician)
    return appointment


def make_assignment(
    *, appointment: Appointment, technician: Technician, **given: Any
) -> Assignment:
    before = timedelta(minutes=appointment.service.buffer_before_minutes)
    after = timedelta(minutes=appointment.service.buffer_after_minutes)
    fields = {
        "occupied_from": appointment.starts_at - before,
        "occupied_until": appointment.ends_at + after,
    }
    return Assignment.objects.create(
        appointment=appointment, technician=technician, **fields | given
    )


def make_season(
    key: str = "spring",
    first: tuple[int, int] = (3, 1),
    last: tuple[int, int] = (4, 30),
    *,
    weekday: int | None = 1,
    starts: time = time(8),
) -> Season:
    """Make the season of a visit that is best on a Tuesday at eight."""
    return Season(
        key=key,
        first=MonthDay(*first),
        last=MonthDay(*last),
        weekday=weekday,
        starts=starts,
    )


def make_plan(*seasons: Season, **given: Any) -> MaintenancePlan:
    """Make a plan, with a visit each spring unless `seasons` are given."""
    address = given.pop("property", None) or make_property()
    fields = {
        "reference": make_reference("M"),
        "location": given.pop("location", None) or make_location(),
        "service": given.pop("service", None) or make_service(),
        "valid_from": date(2026, 1, 1),
    }
    plan = MaintenancePlan.objects.create(
        property=address, customer=address.customer, **fields | given
    )
    PlanSeason.objects.bulk_create(
        PlanSeason(
            plan=plan,
            key=season.key,
            first_month=season.first.month,
            first_day=season.first.day,
            last_month=season.last.month,
            last_day=season.last.day,
            weekday=season.weekday,
            starts=season.starts,
        )
        for season in seasons or [make_season()]
    )
    return plan
