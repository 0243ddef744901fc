"""A company with a connection, and visits that both sides know."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

from appointments.models import Appointment
from integrations.connectors.servicetitan import ServiceTitan
from integrations.models import (
    Connection,
    ConnectionHealth,
    ExternalLink,
    FieldMapping,
    InboundState,
)
from integrations.rules.mapping import told
from integrations.rules.things import Remote
from integrations.services.sync import TakenIn, take_in
from integrations.services.sync.mappings import rules_for
from integrations.services.sync.records import thing_of
from leads.models import Customer
from technicians.models import Technician
from tests.factories import (
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_customer,
    make_property,
    make_service,
    make_technician,
    make_zone,
)

_numbers = count(10)
GUID = "5f0c1f3e-0000-4000-8000-000000000001"


def make_connection(**given: Any) -> Connection:
    """Make a connection to ServiceTitan with the mapping that it begins with."""
    settings = {
        "tenant_id": "7",
        "app_guid": GUID,
        "external_key": "fieldbook_ref",
        **given.pop("settings", {}),
    }
    credentials = given.pop("credentials", {"client_id": "id", "client_secret": "x"})
    fields = {"vendor": "servicetitan", "name": "The CRM"}
    connection = Connection.objects.create(
        settings=settings, credentials=json.dumps(credentials), **fields | given
    )
    ConnectionHealth.objects.create(connection=connection)
    FieldMapping.objects.bulk_create(
        FieldMapping(
            connection=connection,
            object_type=row.kind,
            field=row.field,
            remote=row.remote,
            direction=row.direction,
            winner=row.winner,
            choices=dict(row.choices),
        )
        for row in ServiceTitan.mapping
    )
    return connection


def wins(connection: Connection, kind: str, field: str, winner: str) -> None:
    """Let that side win where both changed a field."""
    rows = FieldMapping.objects.filter(connection=connection, object_type=kind)
    assert rows.filter(field=field).update(winner=winner)


def make_crew(count: int = 1) -> list[Technician]:
    """Make technicians of one branch that serves 85004."""
    zone = make_zone("85004")
    return [
        make_technician(location=zone.location, email=f"tech{n}@shop.test")
        for n in range(count)
    ]


def make_visit(
    technician: Technician, *, customer: Customer | None = None, **given: Any
) -> Appointment:
    """Make a visit at ten, at an address in the technician's zone."""
    customer = customer or make_customer(phone=f"+160255501{next(_numbers):02}")
    given = {"starts_at": local(TOMORROW, 10)} | given
    return make_appointment(
        technician=technician,
        property=make_property(customer=customer),
        service=given.pop("service", None) or make_service(window_minutes=120),
        **given,
    )


def link(
    connection: Connection,
    kind: str,
    object_id: Any,
    *,
    remote: tuple[str, str],
    **given: Any,
) -> ExternalLink:
    """Link one of ours to one of theirs, agreed on as it is."""
    thing = thing_of(kind=kind, object_id=object_id)
    assert thing is not None
    agreed = told(rules_for(connection=connection, kind=kind), thing.fields)
    return ExternalLink.objects.create(
        connection=connection,
        object_type=kind,
        object_id=object_id,
        remote_type=remote[0],
        remote_id=remote[1],
        **{"agreed": agreed} | given,
    )


def linked_visit(
    connection: Connection, technician: Technician, **given: Any
) -> tuple[Appointment, ExternalLink]:
    """Make a visit that the vendor knows as appointment 900 of job 800."""
    for number, each in enumerate(Technician.objects.order_by("pk")):
        ExternalLink.objects.get_or_create(
            connection=connection,
            object_type="technician",
            object_id=each.pk,
            remote_type="technician",
            remote_id=str(500 + number),
        )
    visit = make_visit(technician, **given)
    main = link(connection, "appointment", visit.pk, remote=("appointment", "900"))
    ExternalLink.objects.create(
        connection=connection,
        object_type="appointment",
        object_id=visit.pk,
        remote_type="job",
        remote_id="800",
    )
    return visit, main


def remote_visit(*, number: int = 900, **fields: Any) -> Remote:
    """Return what the vendor says of an appointment."""
    about = {
        name: fields.pop(name)
        for name in ("version", "changed_at", "is_gone", "reference", "also")
        if name in fields
    }
    return Remote(
        kind="appointment",
        remote_type="appointment",
        remote_id=str(number),
        fields=fields,
        **about,
    )


def their_id(connection: Connection, technician: Technician) -> str:
    """Return the vendor's id of a technician."""
    return ExternalLink.objects.get(
        connection=connection, object_type="technician", object_id=technician.pk
    ).remote_id


def hear(connection: Connection, *remotes: Remote, now: Any = NOW) -> TakenIn:
    """Take in what the vendor says."""
    return take_in(connection=connection, remotes=remotes, inbound=None, now=now)


def moved(visit: Appointment, *, hours: int) -> str:
    """Return the visit's promise, so much later, as vendors say it."""
    later = visit.window_starts_at + hours * HOUR
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")


SOON = NOW + timedelta(minutes=1)
PROCESSED, IGNORED, STALE = (
    InboundState.PROCESSED,
    InboundState.IGNORED,
    InboundState.STALE,
)
