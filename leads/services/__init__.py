"""Changes to leads and customers. Each is one transaction: lock, rule, rows, event."""

from leads.services.consents import UnknownContact, Word, record_consent
from leads.services.conversion import (
    AddressMissing,
    customer_for_lead,
    mark_converted,
    property_for_lead,
)
from leads.services.customers import (
    PhoneTaken,
    create_customer,
    find_or_create_customer,
    update_customer,
)
from leads.services.intake import LeadForm, receive_lead
from leads.services.locations import (
    Location,
    flag_location,
    forget_location,
    locate_property,
    may_be_located,
)
from leads.services.properties import (
    AddressListed,
    PropertyForm,
    add_property,
    find_or_add_property,
)
from leads.services.record import AlreadyConverted, LeadDismissed, lock_open_lead
from leads.services.tokens import LinkExpired, issue_booking_token, lead_id_of_token
from leads.services.work import dismiss_lead, mark_contacted, update_lead

__all__ = [
    "AddressListed",
    "AddressMissing",
    "AlreadyConverted",
    "LeadDismissed",
    "LeadForm",
    "LinkExpired",
    "Location",
    "PhoneTaken",
    "PropertyForm",
    "UnknownContact",
    "Word",
    "add_property",
    "create_customer",
    "customer_for_lead",
    "dismiss_lead",
    "find_or_add_property",
    "find_or_create_customer",
    "flag_location",
    "forget_location",
    "issue_booking_token",
    "lead_id_of_token",
    "locate_property",
    "lock_open_lead",
    "mark_contacted",
    "mark_converted",
    "may_be_located",
    "property_for_lead",
    "receive_lead",
    "record_consent",
    "update_customer",
    "update_lead",
]
