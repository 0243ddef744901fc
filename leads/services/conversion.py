"""A lead becomes a customer with an address. For the booking of its visit."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Rejected
from leads.models import Customer, Lead, LeadFlag, LeadStatus, Property
from leads.rules.contacts import is_email, is_same_name
from leads.services.customers import (
    contacts_of,
    find_or_create_customer,
    list_more_contacts,
)
from leads.services.properties import PropertyForm, find_or_add_property
from leads.services.record import refuse_closed, save_change


class AddressMissing(Rejected):
    """A visit needs a street and a ZIP to go to."""

    code = "address_missing"
    title = "The address is incomplete"


@transaction.atomic
def customer_for_lead(*, lead: Lead, actor: Actor, now: datetime) -> Customer:
    """Return the customer that a locked lead stands for, known or new.

    Emits:
        customer.created, or customer.updated where a known one got a new contact
    """
    email = lead.email if is_email(lead.email) else ""
    if lead.customer is None:
        return find_or_create_customer(
            name=lead.name, phone=lead.phone, email=email, actor=actor, now=now
        )
    contacts = contacts_of(phone=lead.phone, email=email)
    list_more_contacts(lead.customer, contacts, actor=actor, now=now)
    return lead.customer


@transaction.atomic
def property_for_lead(
    *, lead: Lead, customer: Customer, actor: Actor, now: datetime
) -> Property:
    """Return the customer's property at the lead's address, known or new.

    Emits:
        customer.property_added for a new one
    Raises:
        AddressMissing: the lead does not say where to go.
    """
    if not lead.line1 or not lead.postal_code:
        raise AddressMissing(f"{lead.reference} has no street or no ZIP.")
    form = PropertyForm(
        line1=lead.line1,
        line2=lead.line2,
        city=lead.city,
        region=lead.region,
        postal_code=lead.postal_code,
    )
    return find_or_add_property(customer=customer, form=form, actor=actor, now=now)


@transaction.atomic
def mark_converted(
    *, lead: Lead, customer: Customer, actor: Actor, now: datetime
) -> None:
    """Close a locked lead: it has become a visit of this customer.

    Emits:
        lead.converted
    Raises:
        AlreadyConverted, LeadDismissed
    """
    refuse_closed(lead)
    lead.status = LeadStatus.CONVERTED
    lead.customer = customer
    lead.converted_at = now
    if not is_same_name(customer.name, lead.name):
        lead.flags = sorted({*lead.flags, LeadFlag.POSSIBLE_DUPLICATE})
    save_change(
        lead,
        fields=["status", "customer", "converted_at", "flags"],
        event="lead.converted",
        actor=actor,
        now=now,
    )
