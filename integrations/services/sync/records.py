"""Our things as they stand now, in the words in which vendors are told of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from appointments.models import Appointment
from appointments.rules.states import LATER, Status
from core.text import normalise_email
from integrations.rules.things import Thing
from leads.models import (
    ConsentKind,
    ContactKind,
    Customer,
    Lead,
    Property,
    Purpose,
)
from leads.selectors import newest_words
from technicians.models import Technician

COUNTRY = "US"


def thing_of(*, kind: str, object_id: UUID) -> Thing | None:
    """Return one of ours as it stands now; None where there is none (any more)."""
    reader = _READERS.get(kind)
    return reader(object_id) if reader else None


def knows(kind: str) -> bool:
    """Tell whether vendors can be told of things of that kind."""
    return kind in _READERS


def changed_at(thing: Thing) -> datetime | None:
    """Return when ours was last changed."""
    said = thing.fields.get("updated_at")
    return datetime.fromisoformat(said) if said else None


def location_of(thing: Thing) -> UUID | None:
    """Return the branch that a thing belongs to, if it does."""
    said = thing.fields.get("location_id")
    return UUID(said) if said else None


def lead_thing(lead_id: UUID) -> Thing | None:
    """Return a lead, as it was said."""
    lead = Lead.objects.select_related("location").filter(pk=lead_id).first()
    if lead is None:
        return None
    fields = {
        **_names(lead.name),
        "reference": lead.reference,
        "status": str(lead.status),
        "phone": lead.phone or lead.phone_given,
        "email": lead.email,
        "email_marketing": _marketing(lead.email),
        **_address(lead),
        "service": lead.service_code,
        "summary": lead.message,
        "source": lead.source,
        "urgency": "normal",
        "is_new_customer": lead.customer_id is None,
        **_branch(lead),
    }
    return Thing(kind="lead", id=lead.pk, reference=lead.reference, fields=fields)


def customer_thing(customer_id: UUID, *, at: Property | None = None) -> Thing | None:
    """Return a customer with the primary contacts, living `at` an address of theirs.

    Without one, at the first that was listed.
    """
    customer = Customer.objects.filter(pk=customer_id).first()
    if customer is None:
        return None
    contacts = _contacts(customer)
    home = at or customer.properties.order_by("created_at", "pk").first()
    fields = {
        **_names(customer.name),
        **contacts,
        "email_marketing": _marketing(contacts["email"]),
        "notes": customer.notes,
        **(_address(home) if home else {}),
        "updated_at": _moment(customer.updated_at),
    }
    return Thing(
        kind="customer", id=customer.pk, reference=str(customer.pk), fields=fields
    )


def property_thing(property_id: UUID) -> Thing | None:
    """Return a service address, whose parent is its customer."""
    address = Property.objects.filter(pk=property_id).first()
    if address is None:
        return None
    customer = customer_thing(address.customer_id, at=address)
    fields = {
        **_address(address),
        "name": customer.fields["name"] if customer else "",
        "access_notes": address.access_notes,
        "updated_at": _moment(address.updated_at),
    }
    return Thing(
        kind="property",
        id=address.pk,
        reference=str(address.pk),
        fields=fields,
        parents=(customer,) if customer else (),
    )


def technician_thing(technician_id: UUID) -> Thing | None:
    """Return a technician: by whose e-mail the vendor may know him."""
    technician = Technician.objects.filter(pk=technician_id).first()
    if technician is None:
        return None
    fields = {
        **_names(technician.name),
        "email": technician.email.casefold(),
        "phone": technician.phone,
        "is_active": technician.is_active,
    }
    return Thing(
        kind="technician",
        id=technician.pk,
        reference=str(technician.pk),
        fields=fields,
    )


def appointment_thing(appointment_id: UUID) -> Thing | None:
    """Return a visit. Its customer and its address are its parents."""
    related = ("service", "location", "property", "lead")
    visits = Appointment.objects.select_related(*related)
    visit = visits.filter(pk=appointment_id).first()
    if visit is None:
        return None
    customer = customer_thing(visit.customer_id, at=visit.property)
    address = property_thing(visit.property_id)
    return Thing(
        kind="appointment",
        id=visit.pk,
        reference=visit.reference,
        fields=visit_fields(visit),
        parents=tuple(parent for parent in (customer, address) if parent),
    )


def visit_fields(visit: Appointment) -> dict[str, Any]:
    """Return what vendors are told of a visit."""
    return {
        "reference": visit.reference,
        "status": str(visit.status),
        "window_starts_at": _moment(visit.window_starts_at),
        "window_ends_at": _moment(visit.window_ends_at),
        "starts_at": _moment(visit.starts_at),
        "ends_at": _moment(visit.ends_at),
        "work_minutes": (visit.ends_at - visit.starts_at) // timedelta(minutes=1),
        "technicians": crew_ids(visit),
        "service": visit.service.code,
        "service_name": visit.service.name,
        "urgency": "urgent" if visit.service.is_emergency else "normal",
        "summary": visit.notes or visit.service.name,
        "notes": visit.notes,
        "source": visit.source,
        "price_cents": visit.price_cents,
        "currency": visit.currency,
        "cancellation_reason": visit.cancellation_reason,
        "lead": visit.lead.reference if visit.lead else "",
        **_branch(visit),
    }


def crew_ids(visit: Appointment) -> list[str]:
    """Return who is on a visit, or was until its end, by id."""
    crew = visit.assignments.on_the_visit().filter(part=0)
    return sorted(str(pk) for pk in crew.values_list("technician_id", flat=True))


def is_over(thing: Thing) -> bool:
    """Tell whether it is a visit of which nothing more can become."""
    return thing.kind == "appointment" and not LATER[Status(thing.fields["status"])]


def _names(name: str) -> dict[str, str]:
    first, _, last = name.partition(" ")
    return {"name": name, "first_name": first, "last_name": last}


def _contacts(customer: Customer) -> dict[str, str]:
    found = {"phone": "", "email": ""}
    rows = customer.contact_methods.filter(is_primary=True)
    for kind, value in rows.values_list("kind", "value"):
        found["phone" if kind == ContactKind.PHONE else "email"] = value
    return found


def _marketing(email: str) -> str:
    """Return the last word on advertising at an address; blank where there is none."""
    if not email:
        return ""
    words = newest_words(address=normalise_email(email), kind=ConsentKind.EMAIL)
    word = words.get(Purpose.MARKETING)
    return str(word.action) if word else ""


def _address(where: Lead | Property) -> dict[str, str]:
    return {
        "line1": where.line1,
        "line2": where.line2,
        "city": where.city,
        "region": where.region,
        "postal_code": where.postal_code,
        "country": COUNTRY if where.line1 else "",
    }


def _branch(of: Lead | Appointment) -> dict[str, str]:
    return {
        "location": of.location.code if of.location else "",
        "location_id": str(of.location_id) if of.location_id else "",
        "updated_at": _moment(of.updated_at),
    }


def _moment(moment: datetime) -> str:
    """Return an instant as all vendors are told of it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_READERS: Mapping[str, Callable[[UUID], Thing | None]] = {
    "lead": lead_thing,
    "customer": customer_thing,
    "property": property_thing,
    "technician": technician_thing,
    "appointment": appointment_thing,
}
