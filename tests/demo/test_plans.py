"""The maintenance plans of the demo company, and what the generator makes of them."""

from collections import Counter

import pytest

from appointments.models import MaintenancePlan, PlanOccurrence
from appointments.rules.plans import seasons_fault
from appointments.services import plans
from appointments.services.plans import Outcome
from core.models import Event
from tests.demo.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]


def test_six_customers_have_a_plan_that_could_have_been_agreed_on():
    found = MaintenancePlan.objects.prefetch_related("seasons")

    per_branch = Counter(plan.location.code for plan in found)
    assert per_branch == {"phoenix": 2, "denver": 2, "dallas": 2}
    for plan in found:
        assert seasons_fault(season.rule for season in plan.seasons.all()) is None
        assert plan.customer == plan.property.customer
        assert plan.customer.created_at <= plan.created_at < NOW
        event = Event.objects.get(aggregate_id=plan.pk)
        assert (event.name, event.occurred_at) == ("plan.created", plan.created_at)


def test_what_is_due_is_booked_and_one_needs_a_hand():
    outcomes = plans.generate(now=NOW)

    # March 3rd: the spring of two plans, and the winter of the quarterly ones.
    assert outcomes[Outcome.BOOKED] >= 4
    (conflict,) = PlanOccurrence.objects.filter(state="conflict", period="2027-winter")
    assert conflict.reason == "closed"
    assert conflict.plan in MaintenancePlan.objects.needing_attention()
    assert not plans.generate(now=NOW)[Outcome.BOOKED]
