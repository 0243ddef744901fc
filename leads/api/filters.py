"""How lists of leads and customers are narrowed."""

from typing import Any

from django_filters import rest_framework as filters

from core.api.filters import MomentFilter
from leads import selectors
from leads.models import CustomerQuerySet, LeadFlag, LeadQuerySet, LeadStatus

_LONGEST_SEARCH = 100


class LeadFilter(filters.FilterSet):
    """Narrow by state, branch, origin, what is odd, and time."""

    status = filters.MultipleChoiceFilter(choices=LeadStatus.choices)
    location = filters.UUIDFilter()
    customer = filters.UUIDFilter()
    source = filters.CharFilter(max_length=40)
    flag = filters.ChoiceFilter(choices=LeadFlag.choices, method="flagged")
    created_after = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")
    search = filters.CharFilter(
        method="matching",
        max_length=_LONGEST_SEARCH,
        help_text="Part of the reference, name, phone, e-mail or ZIP.",
    )

    def flagged(self, leads: LeadQuerySet, name: str, value: str) -> LeadQuerySet:
        return leads.filter(flags__contains=[value])

    def matching(self, leads: LeadQuerySet, name: str, value: str) -> LeadQuerySet:
        return selectors.leads_matching(leads, value)


class CustomerFilter(filters.FilterSet):
    """Find customers by what they say on the phone."""

    search = filters.CharFilter(
        method="matching",
        max_length=_LONGEST_SEARCH,
        help_text="Part of the name, phone, e-mail or street, or the ZIP.",
    )

    def matching(self, customers: CustomerQuerySet, name: str, value: Any) -> Any:
        return selectors.customers_matching(customers, value)
