"""Leads and customers, as staff see them."""

from leads.admin.customers import CustomerAdmin
from leads.admin.leads import LeadAdmin

__all__ = ["CustomerAdmin", "LeadAdmin"]
