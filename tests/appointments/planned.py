"""Plans of the small company, and what became of them."""

from datetime import date

from appointments.models import Appointment, MaintenancePlan, PlanOccurrence
from core.models import Event
from tests.appointments.conftest import Company
from tests.factories import DAY, local, make_plan, make_time_off


def plan_of(company: Company, *seasons, **given) -> MaintenancePlan:
    own = {
        "location": company.branch,
        "service": company.service,
        "property": company.property,
    }
    return make_plan(*seasons, **own | given)


def occurrence_of(plan: MaintenancePlan, period: str = "2027-spring") -> PlanOccurrence:
    return plan.occurrences.get(period=period)


def events_of(plan: MaintenancePlan) -> list[str]:
    events = Event.objects.filter(aggregate_id=plan.pk).order_by("number")
    return list(events.values_list("name", flat=True))


def away(company: Company, first: date, last: date) -> None:
    """Let the only technician be away on these local days."""
    make_time_off(
        technician=company.technician,
        starts_at=local(first, 0),
        ends_at=local(last + DAY, 0),
    )


def visit_of(plan: MaintenancePlan, period: str = "2027-spring") -> Appointment:
    visit = occurrence_of(plan, period).appointment
    assert visit is not None
    return visit
