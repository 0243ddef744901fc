"""Questions about customers and leads."""

from leads.selectors.consents import (
    contacts_with_consent,
    may_send,
    newest_words,
    normal_contact,
)
from leads.selectors.customers import (
    customers_matching,
    customers_with_contacts,
    find_customer,
)
from leads.selectors.leads import leads_matching

__all__ = [
    "contacts_with_consent",
    "customers_matching",
    "customers_with_contacts",
    "find_customer",
    "leads_matching",
    "may_send",
    "newest_words",
    "normal_contact",
]
