"""Questions about leads."""

from django.db.models import Q

from leads.models import LeadQuerySet
from leads.rules.contacts import phone_digits


def leads_matching(leads: LeadQuerySet, text: str) -> LeadQuerySet:
    """Narrow to those whose reference, name, phone, e-mail or ZIP has `text` in it."""
    found = (
        Q(name__icontains=text)
        | Q(reference__istartswith=text)
        | Q(email__contains=text.casefold())
        | Q(postal_code__istartswith=text)
    )
    if digits := phone_digits(text):
        found |= Q(phone__contains=digits)
    return leads.filter(found)
