"""The server, the crowd before it, and a company for each race."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count as numbers
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.api.tokens import token_pair
from accounts.services import begin_session
from appointments.models import Appointment, Assignment, Service
from core.actors import Role
from core.models import Location
from technicians.models import Technician
from tests.factories import (
    HOUR,
    local,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_user,
    make_zone,
)
from tests.races import audit
from tests.races.crowd import Call, Crowd, booking, hold
from tests.races.server import PROCESSES, Server

_zips = numbers(1)


@dataclass
class Company:
    """A branch in Phoenix, open from 8 to 18, and who works there."""

    branch: Location
    zip: str
    day: date
    technicians: list[Technician]

    def at(self, hour: int, minute: int = 0) -> datetime:
        """Return that wall time of the day that the race is about."""
        return local(self.day, hour, minute)

    def booking(self, service: Service, at: datetime, **given: Any) -> Call:
        """Return the call of a customer of his own who wants that start."""
        address = make_property(postal_code=self.zip)
        return booking(service=service.code, address=address.pk, at=at, **given)

    def holding(self, service: Service, at: datetime, **given: Any) -> Call:
        """Return the call of a visitor who wants that start kept."""
        return hold(service=service.code, postal_code=self.zip, at=at, **given)

    def buyers(self, count: int, *, of: Service, at: datetime) -> list[Call]:
        """Return the calls of so many customers who want the same start."""
        return [self.booking(of, at) for _ in range(count)]


def make_company(*, technicians: int = 1, **given: Any) -> Company:
    """Make a branch with a ZIP of its own; the server's clock is the real one."""
    branch = make_location()
    # A ZIP that no map knows: every address is at the same place.
    postal_code = f"Q{next(_zips):04d}"
    make_zone(postal_code, location=branch)
    return Company(
        branch=branch,
        zip=postal_code,
        day=datetime.now(UTC).date() + timedelta(days=4),
        technicians=[
            make_technician(location=branch, **given) for _ in range(technicians)
        ],
    )


def make_exact(minutes: int, **given: Any) -> Service:
    """Make a service that is booked by its exact start."""
    return make_service(booking_mode="exact", duration_minutes=minutes, **given)


def keep_busy(company: Company, *, days: int, hours: tuple[int, ...]) -> None:
    """Give every technician an hour of work at each of these hours of the days."""
    service, home = make_exact(60), make_property(postal_code=company.zip)
    starts = [
        local(company.day + timedelta(days=day), hour)
        for day in range(days)
        for hour in hours
    ]
    everybody = [(who, start) for who in company.technicians for start in starts]
    visits = Appointment.objects.bulk_create(
        Appointment(
            reference=f"V-{number:08d}",
            location=company.branch,
            service=service,
            customer=home.customer,
            property=home,
            window_starts_at=start,
            window_ends_at=start + HOUR,
            starts_at=start,
            ends_at=start + HOUR,
        )
        for number, (_, start) in enumerate(everybody)
    )
    Assignment.objects.bulk_create(
        Assignment(
            appointment=visit,
            technician=who,
            occupied_from=start,
            occupied_until=start + HOUR,
        )
        for visit, (who, start) in zip(visits, everybody, strict=True)
    )


@pytest.fixture(scope="package")
def server(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[Server]:
    """Serve the test database; each race commits its rows and is flushed after."""
    with django_db_blocker.unblock():
        before = audit.rows(audit.DEADLOCKS)
        house = Server(tmp_path_factory.mktemp("races"))
        house.start()
    assert house.workers() >= PROCESSES
    try:
        yield house
    finally:
        house.stop()
    with django_db_blocker.unblock():
        # The end of a backend is when it tells its last figures.
        after = audit.rows(audit.DEADLOCKS)
        connection.close()
    assert after == before
    assert "deadlock" not in house.log()
    assert "Traceback" not in house.log()


@pytest.fixture
def crowd(server: Server, transactional_db: None) -> Crowd:
    """Clients of the server, all signed in as one admin."""
    now = timezone.now()
    session = begin_session(user=make_user(Role.ADMIN), now=now)
    return Crowd(server.port, token=str(token_pair(session, now=now)["access"]))
