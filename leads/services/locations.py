"""Where a property is, as somebody found out who knows maps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import SYSTEM, Actor
from core.errors import NotFound
from leads.models import Property
from leads.rules.places import place_of_zip
from leads.services.customers import locked_customer
from leads.services.record import emit_about_customer

_LOCATION = (
    *("latitude", "longitude", "is_location_estimated"),
    *("located_at", "located_by", "location_problem", "updated_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Coordinates in degrees, and who says so."""

    latitude: float
    longitude: float
    source: str


@transaction.atomic
def locate_property(
    *, property_id: UUID, location: Location, actor: Actor, now: datetime
) -> Property:
    """Store where a property is; what a person gave stays as given.

    The same place again only renews when it was found.

    Emits:
        customer.property_located
    Raises:
        NotFound: there is no such property (any more).
    """
    address = _locked(property_id)
    if not may_be_located(address):
        return address
    found = (location.latitude, location.longitude)
    is_news = found != (address.latitude, address.longitude)
    address.latitude, address.longitude = found
    address.is_location_estimated = False
    address.located_at, address.located_by = now, location.source
    address.location_problem = ""
    address.save(update_fields=_LOCATION)
    if is_news:
        _tell(address, actor=actor, now=now)
    return address


@transaction.atomic
def flag_location(*, property_id: UUID, problem: str) -> Property:
    """Note why a property cannot be located well enough; a person looks at it.

    Raises:
        NotFound
    """
    address = _locked(property_id)
    address.location_problem = problem[:200]
    address.save(update_fields=["location_problem", "updated_at"])
    return address


@transaction.atomic
def forget_location(*, property_id: UUID, actor: Actor, now: datetime) -> Property:
    """Go back to the middle of the ZIP: what was found may be kept no longer.

    Emits:
        customer.property_located
    Raises:
        NotFound
    """
    address = _locked(property_id)
    if not address.located_by:
        return address
    place = place_of_zip(address.postal_code)
    address.latitude = place.latitude if place else None
    address.longitude = place.longitude if place else None
    address.is_location_estimated = place is not None
    address.located_at, address.located_by = None, ""
    address.save(update_fields=_LOCATION)
    _tell(address, actor=actor, now=now)
    return address


def may_be_located(address: Property) -> bool:
    """Tell whether a map may say where it is: nobody gave the coordinates."""
    return (
        address.latitude is None
        or address.is_location_estimated
        or bool(address.located_by)
    )


def _locked(property_id: UUID) -> Property:
    """Return the property, its customer's row locked first as all changes do."""
    address = Property.objects.filter(pk=property_id).first()
    if address is None:
        raise NotFound
    locked_customer(customer_id=address.customer_id, actor=SYSTEM)
    again = Property.objects.filter(pk=property_id).first()
    if again is None:
        raise NotFound
    return again


def _tell(address: Property, *, actor: Actor, now: datetime) -> None:
    emit_about_customer(
        address.customer,
        "customer.property_located",
        actor=actor,
        now=now,
        data={"property": str(address.pk), "located_by": address.located_by or None},
    )
