"""Customers, the places they live at, what they agreed to, and wishes that come in."""

from leads.models.consents import ConsentAction, ConsentEvent, ConsentKind, Purpose
from leads.models.customers import (
    ContactKind,
    ContactMethod,
    Customer,
    CustomerQuerySet,
    Property,
)
from leads.models.leads import Lead, LeadFlag, LeadQuerySet, LeadStatus

__all__ = [
    "ConsentAction",
    "ConsentEvent",
    "ConsentKind",
    "ContactKind",
    "ContactMethod",
    "Customer",
    "CustomerQuerySet",
    "Lead",
    "LeadFlag",
    "LeadQuerySet",
    "LeadStatus",
    "Property",
    "Purpose",
]
