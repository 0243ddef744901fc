"""The places where visits happen."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower

from core.actors import SYSTEM, Actor
from core.db import on_breach
from core.errors import Conflict
from leads.models import Customer, Property
from leads.rules.places import place_of_zip
from leads.services.customers import locked_customer
from leads.services.record import emit_about_customer


class AddressListed(Conflict):
    """The customer has that address already."""

    code = "address_listed"
    title = "The address is listed already"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyForm:
    """An address; where city, state or coordinates are missing, the ZIP tells."""

    line1: str
    postal_code: str
    line2: str = ""
    city: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None
    access_notes: str = ""


@transaction.atomic
def add_property(
    *, customer_id: UUID, form: PropertyForm, actor: Actor, now: datetime
) -> Property:
    """Add an address to a customer.

    Emits:
        customer.property_added
    Raises:
        AddressListed: `property` says as which.
        NotFound: there is no such customer.
    """
    customer = locked_customer(customer_id=customer_id, actor=actor)
    known = _listed(customer, form)
    if known is not None:
        raise AddressListed(f"{form.line1} is listed.", property=str(known.pk))
    return _add(customer, form, actor=actor, now=now)


@transaction.atomic
def find_or_add_property(
    *, customer: Customer, form: PropertyForm, actor: Actor, now: datetime
) -> Property:
    """Return the customer's property at that address, known or new.

    The customer's row is locked: two that come at once get one property.

    Emits:
        customer.property_added for a new one
    """
    locked = locked_customer(customer_id=customer.pk, actor=SYSTEM)
    return _listed(locked, form) or _add(locked, form, actor=actor, now=now)


def _add(
    customer: Customer, form: PropertyForm, *, actor: Actor, now: datetime
) -> Property:
    with on_breach(
        "property_is_listed_once", AddressListed(f"{form.line1} is listed.")
    ):
        address = Property.objects.create(customer=customer, **_located(form))
    emit_about_customer(
        customer,
        "customer.property_added",
        actor=actor,
        now=now,
        data={"property": str(address.pk)},
    )
    return address


def _listed(customer: Customer, form: PropertyForm) -> Property | None:
    """Return the customer's property at that address, as the constraint compares."""
    return (
        Property.objects.annotate(street=Lower("line1"), unit=Lower("line2"))
        .filter(
            customer=customer,
            street=Lower(Value(form.line1)),
            unit=Lower(Value(form.line2)),
            postal_code=form.postal_code,
        )
        .first()
    )


def _located(form: PropertyForm) -> dict[str, str | float | bool | None]:
    """Return the fields of a property, with the gaps filled from its ZIP."""
    fields = asdict(form)
    place = place_of_zip(form.postal_code)
    if place is None:
        return fields
    fields["city"] = form.city or place.city
    fields["region"] = form.region or place.region
    if form.latitude is None:
        fields["latitude"], fields["longitude"] = place.latitude, place.longitude
        fields["is_location_estimated"] = True
    return fields
