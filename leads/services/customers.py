"""Customers and how they are reached.

A contact is a pair of kind and value: phones in E.164, e-mails case-folded.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.actors import SYSTEM, Actor
from core.db import on_breach, take_turns
from core.errors import Conflict, NotFound, VersionConflict
from leads.models import ContactKind, ContactMethod, Customer
from leads.selectors import find_customer
from leads.services.record import emit_about_customer

Contact = tuple[ContactKind, str]


class PhoneTaken(Conflict):
    """The phone belongs to another customer: most likely the same person."""

    code = "phone_taken"
    title = "Another customer has this phone"


@transaction.atomic
def create_customer(
    *,
    name: str,
    contacts: Collection[Contact],
    actor: Actor,
    now: datetime,
    notes: str = "",
) -> Customer:
    """Write down a customer; the first contact of a kind is the primary one.

    Emits:
        customer.created
    Raises:
        PhoneTaken: `customer` says by whom.
    """
    customer = Customer.objects.create(name=name, notes=notes)
    _list_contacts(customer, contacts)
    emit_about_customer(customer, "customer.created", actor=actor, now=now)
    return customer


@transaction.atomic
def update_customer(
    *,
    customer_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Customer:
    """Change name and notes; `contacts`, if given, replace all that were listed.

    Emits:
        customer.updated
    Raises:
        PhoneTaken, VersionConflict, NotFound
    """
    customer = locked_customer(
        customer_id=customer_id, actor=actor, expected_version=expected_version
    )
    customer.name = changes.get("name", customer.name)
    customer.notes = changes.get("notes", customer.notes)
    if "contacts" in changes:
        customer.contact_methods.all().delete()
        _list_contacts(customer, changes["contacts"])
    _save_change(customer, fields=["name", "notes"], actor=actor, now=now)
    return customer


@transaction.atomic
def find_or_create_customer(
    *, name: str, phone: str, email: str, actor: Actor, now: datetime
) -> Customer:
    """Return who has the phone, else the only one with the e-mail, else a new one.

    Two that ask at once for one phone or e-mail get one customer. A name is never
    overwritten.

    Emits:
        customer.created, or customer.updated where a known one got a new contact
    """
    if email:
        take_turns(f"customer {email}")  # phones take turns on their unique index
    contacts = contacts_of(phone=phone, email=email)
    known = find_customer(phone=phone, email=email)
    if known is None:
        try:
            return create_customer(name=name, contacts=contacts, actor=actor, now=now)
        except PhoneTaken:
            known = find_customer(phone=phone)
            if known is None:
                raise
    list_more_contacts(known, contacts, actor=actor, now=now)
    return known


def list_more_contacts(
    customer: Customer, contacts: Iterable[Contact], *, actor: Actor, now: datetime
) -> None:
    """List what is new for a known customer; never as primary (see ContactMethod).

    A phone that is another customer's stays with that one. Needs a transaction.

    Emits:
        customer.updated where something was new
    """
    listed = set(customer.contact_methods.values_list("kind", "value"))
    new = [contact for contact in contacts if contact not in listed]
    taken = ContactMethod.objects.filter(
        kind=ContactKind.PHONE, value__in=[value for _, value in new]
    ).values_list("kind", "value")
    new = [contact for contact in new if contact not in set(taken)]
    if not new:
        return
    locked = locked_customer(customer_id=customer.pk, actor=SYSTEM)
    ContactMethod.objects.bulk_create(
        [
            ContactMethod(customer=locked, kind=kind, value=value, is_primary=False)
            for kind, value in new
        ],
        ignore_conflicts=True,  # somebody listed it since we looked
    )
    _save_change(locked, fields=[], actor=actor, now=now)


def contacts_of(*, phone: str, email: str) -> list[Contact]:
    """Return what there is of both."""
    both = ((ContactKind.PHONE, phone), (ContactKind.EMAIL, email))
    return [(kind, value) for kind, value in both if value]


def locked_customer(
    *, customer_id: UUID, actor: Actor, expected_version: int | None = None
) -> Customer:
    """Return the customer with the row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    visible = Customer.objects.visible_to(actor)
    customer = visible.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound
    if expected_version is not None and expected_version != customer.version:
        raise VersionConflict(
            f"The customer is at version {customer.version}.", current=customer
        )
    return customer


def _list_contacts(customer: Customer, contacts: Collection[Contact]) -> None:
    """List the contacts of a customer who has none yet.

    Raises:
        PhoneTaken
    """
    primary: dict[ContactKind, str] = {}
    for kind, value in contacts:
        primary.setdefault(kind, value)
    # Sorted, so that two customers with crossed phones cannot wait in a circle.
    rows = [
        ContactMethod(
            customer=customer, kind=kind, value=value, is_primary=primary[kind] == value
        )
        for kind, value in sorted(set(contacts))
    ]
    taken = PhoneTaken("Another customer has this phone.")
    try:
        with on_breach("phone_belongs_to_one_customer", taken):
            ContactMethod.objects.bulk_create(rows)
    except PhoneTaken:
        phones = [row.value for row in rows if row.kind == ContactKind.PHONE]
        owner = ContactMethod.objects.filter(
            kind=ContactKind.PHONE, value__in=phones
        ).first()
        taken.extra["customer"] = str(owner.customer_id) if owner else None
        raise


def _save_change(
    customer: Customer, *, fields: Iterable[str], actor: Actor, now: datetime
) -> None:
    """Save `fields` of a locked customer as its next version, and emit the event."""
    customer.version += 1
    customer.save(update_fields=[*fields, "version", "updated_at"])
    emit_about_customer(customer, "customer.updated", actor=actor, now=now)
