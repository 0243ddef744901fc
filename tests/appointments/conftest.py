"""One small company: a branch, its zone, a technician and a service."""

from dataclasses import dataclass

import pytest

from appointments.models import Service
from core.models import Location, Zone
from leads.models import Property
from technicians.models import Technician
from tests.factories import (
    make_location,
    make_property,
    make_service,
    make_technician,
    make_zone,
)


@dataclass
class Company:
    """What most tests of booking stand on."""

    branch: Location
    zone: Zone
    technician: Technician
    service: Service
    property: Property


@pytest.fixture
def company(db) -> Company:
    return make_company()


def make_company() -> Company:
    """Make a branch that serves 85004, with one technician from 8 to 17."""
    branch = make_location()
    return Company(
        branch=branch,
        zone=make_zone("85004", location=branch),
        technician=make_technician(location=branch),
        service=make_service(),
        property=make_property(postal_code="85004"),
    )
