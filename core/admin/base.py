"""What every page of the admin site stands on.

The theme is named here and nowhere else: `ModelAdmin` and `TabularInline` are what
the apps' `admin` modules build on, so another theme means another import in here.

Who may do what is asked of the user (`User.has_perm`, by role); how far they see is
`visible_to(actor)`, as in the API. What lies outside is not found.
"""

from collections.abc import Sequence
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin as ThemedModelAdmin
from unfold.admin import TabularInline as ThemedTabularInline
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter
from unfold.views import ChangeList as ThemedChangeList

from core.actors import ANONYMOUS, Actor, Role

__all__ = [
    "AdminsOnly",
    "AdminsWrite",
    "CappedPaginator",
    "DropdownFilter",
    "ModelAdmin",
    "RadioFilter",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "TabularInline",
    "actor_of",
]

# Nobody pages further than this; counting two million rows would cost a second.
COUNT_UP_TO = 10_000


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor; the admin site has put it there."""
    return cast(Actor, getattr(request, "actor", ANONYMOUS))


class CappedPaginator(Paginator):
    """Counts up to a limit, so that a long list costs no more than a page of it."""

    @cached_property
    def count(self) -> int:
        if not isinstance(self.object_list, QuerySet):
            return len(self.object_list)
        return self.object_list.order_by()[:COUNT_UP_TO].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= COUNT_UP_TO


class ChangeList(ThemedChangeList):
    """A list that says its count once; the theme says it twice if there is a filter."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


class ModelAdmin(ThemedModelAdmin):
    """A window on one model. Nothing is deleted here unless it says so."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    actions: Sequence[str] | None = None
    list_filter_submit = True
    warn_unsaved_form = True
    may_delete = False
    # Filters that one needs all day, above the list: label and query.
    tabs: tuple[tuple[str, str], ...] = ()
    list_before_template = "admin/tabs.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the user may see; a scoped model says so by `visible_to`."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(actor_of(request))
        return rows

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return what one may do beside the list, as label and address."""
        return []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        asked = request.GET.urlencode()
        tabs = [
            {"label": label, "query": query, "is_current": query == asked}
            for label, query in self.tabs
        ]
        context = {
            "list_tabs": tabs,
            "list_links": self.list_links(request),
            **(extra_context or {}),
        }
        return cast(HttpResponse, super().changelist_view(request, context))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChangeList

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_delete and super().has_delete_permission(request, obj)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))


class ReadOnlyAdmin(ModelAdmin):
    """A window that cannot be opened: rows to look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AdminsOnly:
    """For what is nobody's but the admins': other systems, people, secrets."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).role is Role.ADMIN

    def has_module_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).role is Role.ADMIN


class AdminsWrite:
    """For what the whole company stands on: others look at it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).role is Role.ADMIN

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).role is Role.ADMIN


class TabularInline(ThemedTabularInline):
    """Rows of a form."""

    extra = 0

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))


class ReadOnlyInline(TabularInline):
    """Rows to look at, below a form."""

    can_delete = False
    max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _plain(field: Any) -> Any:
    """Leave out the icons beside a select that add, change or delete what it names."""
    for verb in ("add", "change", "delete", "view"):
        if field is not None and hasattr(field.widget, f"can_{verb}_related"):
            setattr(field.widget, f"can_{verb}_related", False)
    return field
