"""A branch that serves 85004, and people who ask."""

from typing import Any

import pytest

from core.actors import ANONYMOUS, Actor, Role
from core.models import Location
from leads.models import Lead
from leads.services import LeadForm, receive_lead
from tests.factories import NOW, make_location, make_user, make_zone

PHONE = "+16025550142"
EMAIL = "ada@example.com"


@pytest.fixture
def branch(db) -> Location:
    location = make_location()
    make_zone("85004", location=location)
    return location


@pytest.fixture
def dispatcher(branch, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[branch]))


def wish(**given) -> LeadForm:
    """Return a form in which nothing is odd."""
    fields = {
        "name": "Ada Byron",
        "phone": "(602) 555-0142",
        "line1": "1 Elm St",
        "postal_code": "85004",
    }
    return LeadForm(**fields | given)


def received(*, actor: Actor = ANONYMOUS, now=NOW, **given: Any) -> Lead:
    """Leave a wish and return the lead."""
    lead, _ = receive_lead(form=wish(**given), actor=actor, now=now)
    return lead
