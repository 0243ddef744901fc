"""Find visits by whatever the caller on the phone can say."""

import re
from typing import Any

from django.db.models import QuerySet

from appointments.models import Appointment
from appointments.models.visits import AppointmentQuerySet
from leads.models import ContactMethod, Customer, Property

# Trigrams need three characters; anything shorter would read the whole table.
SHORTEST = 3
_PHONE = re.compile(r"[\d\s().+-]+")
_ZIP = re.compile(r"\d{5}(-\d{4})?")


def visits_matching(visits: AppointmentQuerySet, *, term: str) -> AppointmentQuerySet:
    """Narrow to visits with that reference, customer, phone, e-mail, street or ZIP.

    Each question has an index of its own, so they are asked apart and united: an OR
    over the joined tables would read all of them.
    """
    term = term.strip()
    every = Appointment.objects.order_by().values("pk")
    ways = [every.filter(reference__startswith=term.upper())]
    if len(term) >= SHORTEST:
        ways += [
            every.filter(reference__startswith=f"V-{term.upper()}"),
            every.filter(customer__in=_customers(term)),
            every.filter(property__in=_properties(term)),
        ]
    return visits.filter(pk__in=ways[0].union(*ways[1:]))


def _customers(term: str) -> QuerySet[Any, Any]:
    by_name = Customer.objects.filter(name__icontains=term).values("pk")
    contact = _contact_part(term)
    if contact is None:
        return by_name
    by_contact = ContactMethod.objects.filter(value__contains=contact)
    return by_name.union(by_contact.values("customer"))


def _contact_part(term: str) -> str | None:
    """Return the part of a phone (digits only) or e-mail that the term is."""
    if "@" in term:
        return term.casefold()
    digits = re.sub(r"\D", "", term)
    is_phone = _PHONE.fullmatch(term) and len(digits) >= SHORTEST
    return digits if is_phone else None


def _properties(term: str) -> QuerySet[Any, Any]:
    by_street = Property.objects.filter(line1__icontains=term).values("pk")
    if not _ZIP.fullmatch(term):
        return by_street
    by_zip = Property.objects.filter(postal_code__startswith=term)
    return by_street.union(by_zip.values("pk"))
