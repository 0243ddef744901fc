"""Questions about customers."""

import re

from django.db.models import Exists, OuterRef, Prefetch, Q

from core.actors import Actor
from leads.models import (
    ContactKind,
    ContactMethod,
    Customer,
    CustomerQuerySet,
    Property,
)
from leads.rules.contacts import phone_digits
from leads.selectors.consents import contacts_with_consent

MANY = 1000
_ZIP = re.compile(r"\d{5}(-\d{4})?", re.ASCII)


def find_customer(*, phone: str = "", email: str = "") -> Customer | None:
    """Return who has this phone, else the only one who has this e-mail, or None."""
    if phone:
        found = Customer.objects.filter(
            contact_methods__kind=ContactKind.PHONE, contact_methods__value=phone
        ).first()
        if found is not None:
            return found
    if not email:
        return None
    sharing = Customer.objects.filter(
        contact_methods__kind=ContactKind.EMAIL, contact_methods__value=email
    )[:2]
    return sharing[0] if len(sharing) == 1 else None


def customers_with_contacts(*, actor: Actor) -> CustomerQuerySet:
    """Return the customers that the actor may see, with all that an answer shows."""
    contacts = contacts_with_consent().order_by("-kind", "-is_primary", "id")
    return Customer.objects.visible_to(actor).prefetch_related(
        Prefetch("contact_methods", contacts),
        Prefetch("properties", Property.objects.order_by("created_at", "id")),
    )


def customers_matching(customers: CustomerQuerySet, text: str) -> CustomerQuerySet:
    """Narrow to those whose name, phone, e-mail, street or ZIP has `text` in it.

    Few matches are looked up, each part in a trigram index of its own. Where there
    are many, a walk in the order of the list meets a page of them soon.
    """
    named = Q(name__icontains=text)
    reached = ContactMethod.objects.filter(_reached_by(text))
    lives = Property.objects.filter(_located_by(text))
    found = Customer.objects.filter(named).values_list("pk", flat=True)
    found = found.union(
        reached.values_list("customer", flat=True),
        lives.values_list("customer", flat=True),
        all=True,
    )
    few = list(found[: MANY + 1])
    if len(few) <= MANY:
        return customers.filter(pk__in=few)
    return customers.filter(
        named
        | Exists(reached.filter(customer=OuterRef("pk")))
        | Exists(lives.filter(customer=OuterRef("pk")))
    )


def _reached_by(text: str) -> Q:
    """Match contact methods that hold `text`, or its digits for a phone."""
    if digits := phone_digits(text):
        return Q(kind=ContactKind.PHONE, value__contains=digits)
    return Q(kind=ContactKind.EMAIL, value__contains=text.casefold())


def _located_by(text: str) -> Q:
    """Match properties in that ZIP, or on a street with `text` in its name."""
    if _ZIP.fullmatch(text):
        return Q(postal_code__startswith=text)
    return Q(line1__icontains=text)
