"""Whom to tell about a visit, and what they were told."""

from uuid import UUID

from django.db.models import QuerySet

from appointments.models import Appointment
from core.actors import Actor
from leads.models import ConsentAction, ContactKind
from leads.selectors import contacts_with_consent
from notifications.models import Channel, Notification
from notifications.rules.recipients import can_text


def notifications_with_delivery(*, actor: Actor) -> QuerySet[Notification]:
    """Return the messages that the actor may see, each with its way out."""
    return Notification.objects.visible_to(actor).select_related("delivery")


def appointment_to_tell_of(*, appointment_id: UUID) -> Appointment:
    """Return a visit with all that a message says of it."""
    return Appointment.objects.select_related(
        "location", "service", "customer", "property"
    ).get(pk=appointment_id)


def recipients_of(*, customer_id: UUID) -> dict[Channel, str]:
    """Return where the customer reads messages: the primary contact of each kind.

    A phone that cannot read is left out, and so is what they told us not to write to:
    the other has to do.
    """
    primary = contacts_with_consent().filter(customer=customer_id, is_primary=True)
    primary = primary.exclude(service=ConsentAction.REVOKED)
    found: dict[Channel, str] = {}
    for contact in primary.order_by("kind", "pk"):  # e-mail comes before phone
        if contact.kind == ContactKind.EMAIL:
            found.setdefault(Channel.EMAIL, contact.value)
        elif can_text(contact.value):
            found.setdefault(Channel.SMS, contact.value)
    return found
