"""Questions about customers and leads."""

from leads.selectors.customers import (
    customers_matching,
    customers_with_contacts,
    find_customer,
)
from leads.selectors.leads import leads_matching

__all__ = [
    "customers_matching",
    "customers_with_contacts",
    "find_customer",
    "leads_matching",
]
