"""Find out where an address is, after it was listed; never while somebody waits."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from appointments.models import Appointment
from core.actors import SYSTEM
from core.errors import NotFound
from core.models import Event, OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome, enqueue
from integrations.connectors.google_maps import Found, geocode
from integrations.models import Connection, ConnectionState, Vendor
from integrations.rules.refusals import CallFailed
from integrations.selectors.travel import maps_connection
from integrations.services.calling import caller_for
from integrations.services.connections import outcome_of_failure
from leads import services as leads
from leads.models import Property

KIND = "geocode"
_OK = Outcome(kind=AttemptOutcome.OK)
_GONE = Outcome(kind=AttemptOutcome.UNWANTED, error="It is gone.")
_A_ROUND = 200
_NOWHERE = "The map knows no such address."


def have_located(*, event: Event) -> OutboxMessage | None:
    """Write down that a listed address is to be located, where a map is connected."""
    connection = maps_connection()
    if connection is None:
        return None
    return _ask(connection, UUID(event.data["property"]), event=event)


def deliver_geocode(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Ask the map where a property is, and store it if it is exact enough."""
    connection = Connection.objects.filter(pk=message.destination).first()
    address = Property.objects.filter(pk=message.aggregate_id).first()
    if connection is None or address is None:
        return _GONE
    if not leads.may_be_located(address):
        return _OK  # a person gave the coordinates
    if connection.state != ConnectionState.ACTIVE:
        because = connection.attention or "The connection is paused."
        return Outcome(kind=AttemptOutcome.PARKED, error=because)
    return _locate(address, connection, now=now)


def refresh_locations(*, now: datetime) -> int:
    """Let go of coordinates that may be kept no longer; return of how many.

    Where somebody has a visit ahead they are asked for again; else the middle of the
    ZIP has to do, until the next visit is booked.
    """
    if not settings.MAPS_CACHE_DAYS:
        return 0
    oldest = now - timedelta(days=settings.MAPS_CACHE_DAYS)
    ahead = Appointment.objects.filter(property=OuterRef("pk"), starts_at__gte=now)
    stale = Property.objects.filter(
        located_by=Vendor.GOOGLE_MAPS, located_at__lt=oldest
    )
    rows = stale.annotate(is_awaited=Exists(ahead)).order_by("located_at")[:_A_ROUND]
    connection = maps_connection()
    done = 0
    for property_id, is_awaited in rows.values_list("pk", "is_awaited"):
        with transaction.atomic():
            leads.forget_location(property_id=property_id, actor=SYSTEM, now=now)
            if is_awaited and connection is not None:
                _ask(connection, property_id)
        done += 1
    return done


def _locate(address: Property, connection: Connection, *, now: datetime) -> Outcome:
    try:
        _keep(address, geocode(caller_for(connection), _text(address)), now=now)
    except CallFailed as failure:
        return outcome_of_failure(connection=connection, failure=failure, now=now)
    except NotFound:
        return _GONE
    return _OK


def _ask(
    connection: Connection, property_id: UUID, *, event: Event | None = None
) -> OutboxMessage:
    """Needs the transaction of the change."""
    return enqueue(
        kind=KIND,
        destination=str(connection.pk),
        of=("property", property_id),
        payload={},
        event=event,
        coalesce=True,
    )


def _keep(address: Property, found: Found | None, *, now: datetime) -> None:
    """Store what was found, or why it is not good enough to send anybody there."""
    problem = _NOWHERE if found is None else found.problem
    if found is None or problem:
        leads.flag_location(property_id=address.pk, problem=problem)
        return
    where = leads.Location(
        latitude=found.latitude,
        longitude=found.longitude,
        source=Vendor.GOOGLE_MAPS.value,
    )
    leads.locate_property(property_id=address.pk, location=where, actor=SYSTEM, now=now)


def _text(address: Property) -> str:
    return f"{address.line1}, {address.city}, {address.region} {address.postal_code}"
