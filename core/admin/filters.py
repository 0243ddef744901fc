"""Filters that lists of several apps share."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin.base import DropdownFilter, actor_of
from core.models import Location


class BranchFilter(DropdownFilter):
    """One branch of those that the user sees; of any model with a `location`."""

    title = "branch"
    parameter_name = "branch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        branches = Location.objects.visible_to(actor_of(request)).order_by("name")
        return [(branch.code, branch.name) for branch in branches]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(location__code=self.value()) if self.value() else rows
