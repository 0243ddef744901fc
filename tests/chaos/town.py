"""The company that is under fire: its crew, its CRM and who listens to it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.api.tokens import token_pair
from accounts.services import begin_session
from core.actors import SYSTEM, Role
from core.models import Location
from integrations.models import Connection
from integrations.sandbox.servicetitan import (
    APP_KEY,
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    ServiceTitan,
)
from integrations.sandbox.world import World
from integrations.services import create_endpoint
from integrations.services.connections import ConnectionForm, create_connection
from integrations.services.connections.inbound import inbound_path
from tests.factories import (
    local,
    make_location,
    make_service,
    make_technician,
    make_user,
    make_zone,
)

VENDOR = "servicetitan"
ZIP = "85004"
WINDOWS = (8, 10, 12, 14)
"""Starts of the promises that customers are given."""
FIRST_DAY, DAYS = 2, 24
_SIGNED = "X-ServiceTitan-Signature"


@dataclass(frozen=True, kw_only=True)
class Town:
    """What everybody in the run refers to."""

    branch: Location
    connection: Connection
    service: str
    technicians: list[str]
    """Ids."""
    admin: Any
    today: date

    def window(self, *, day: int, hour: int) -> datetime:
        """Return the start of a promise, so many days after the first."""
        return local(self.today + timedelta(days=FIRST_DAY + day), hour)

    def token(self) -> str:
        """Return a fresh access token of the admin."""
        now = timezone.now()
        return str(
            token_pair(begin_session(user=self.admin, now=now), now=now)["access"]
        )


def found(*, world: World, sandbox_url: str, house_url: str, crew: int) -> Town:
    """Found the company, connect it, and let the vendor call it back."""
    branch = make_location(open_hours=(8, 18))
    make_zone(ZIP, location=branch)
    service = make_service(window_minutes=120)
    hired = [
        make_technician(location=branch, email=f"tech{n}@shop.test", shift=(8, 18))
        for n in range(crew)
    ]
    for technician in hired:
        told = {"name": technician.name, "email": technician.email}
        world.act(VENDOR, "add_technician", told)
    connection = _connect(world, f"{sandbox_url}/{VENDOR}", service=service.code)
    webhook = {
        "url": house_url + inbound_path(connection),
        "secret": connection.inbound_secret,
        "header": _SIGNED,
    }
    world.act(VENDOR, "set_webhook", webhook)
    return Town(
        branch=branch,
        connection=connection,
        service=service.code,
        technicians=[str(technician.pk) for technician in hired],
        admin=make_user(Role.ADMIN),
        today=timezone.now().astimezone(ZoneInfo("America/Phoenix")).date(),
    )


def listen(*, url: str) -> str:
    """Subscribe a URL to all events; return the secret that signs them."""
    endpoint = create_endpoint(url=url, actor=SYSTEM, now=timezone.now())
    return str(endpoint.secret)


def rows_of(world: World, table: str) -> list[dict[str, Any]]:
    """Return what the vendor keeps of one kind, with what stands behind it."""
    place = world.places[VENDOR]
    vendor = place.vendor
    assert isinstance(vendor, ServiceTitan)
    with place.lock:
        return [dict(row) for row in getattr(vendor._books, table)]


def _connect(world: World, host: str, *, service: str) -> Connection:
    reasons = rows_of(world, "cancel_reasons")
    firsts = {
        f"{name}_id": str(rows_of(world, table)[0]["id"])
        for name, table in (
            ("job_type", "job_types"),
            ("business_unit", "business_units"),
            ("campaign", "campaigns"),
        )
    }
    form = ConnectionForm(
        vendor=VENDOR,
        name="The CRM",
        settings={
            "tenant_id": str(TENANT),
            "app_guid": "5f0c1f3e-0000-4000-8000-000000000001",
            "hosts": {"api": host, "auth": host},
            "booking_provider_id": "77",
            "cancel_reason_id": str(reasons[0]["id"]),
            "no_show_reason_id": str(reasons[1]["id"]),
            "default_service": service,
            **firsts,
        },
        credentials={
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "app_key": APP_KEY,
        },
    )
    return create_connection(form=form, actor=SYSTEM, now=timezone.now())
