"""What has happened: lists to read, nothing to change."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.base import (
    AdminsOnly,
    RadioFilter,
    ReadOnlyAdmin,
    actor_of,
)
from core.models import Event, IdempotencyRecord

_SPANS = {"day": timedelta(days=1), "week": timedelta(days=7)}


class OccurredFilter(RadioFilter):
    """A span of time: history grows without end, and a week is what one asks for."""

    title = "time"
    parameter_name = "span"
    all_option = ["", "Last 7 days"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "Last 24 hours"), ("all", "All")]

    def queryset(
        self, request: HttpRequest, events: QuerySet[Event]
    ) -> QuerySet[Event]:
        if self.value() == "all" or request.GET.get("q"):
            return events
        span = _SPANS[self.value() if self.value() in _SPANS else "week"]
        return events.filter(occurred_at__gte=timezone.now() - span)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The record of every change: who, what, when and why."""

    list_display = ("occurred", "name", "about", "who", "reason", "state")
    list_filter = (OccurredFilter,)
    ordering = ("-occurred_at", "-id")
    search_fields = ("=aggregate_id", "=request_id")
    search_help_text = "The id of a thing, or of a request"
    fields = (
        ("name", "occurred_at"),
        ("aggregate_type", "aggregate_id", "number"),
        ("actor_label", "actor_role", "actor_id"),
        "reason",
        "shown_data",
        ("request_id", "published_at", "failed_at", "attempts"),
        "last_error",
    )
    readonly_fields = ("shown_data",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Return what happened in the user's branches; people are the admin's."""
        reach = actor_of(request).location_ids
        if reach is None:
            return Event.objects.all()
        return Event.objects.filter(location_id__in=reach)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        return by_id(queryset, search_term), False

    @admin.display(description="Time (UTC)", ordering="occurred_at")
    def occurred(self, event: Event) -> str:
        return f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="About")
    def about(self, event: Event) -> str:
        return str(event.data.get("reference") or event.aggregate_type)

    @admin.display(description="Who")
    def who(self, event: Event) -> str:
        return event.actor_label or event.actor_role

    @admin.display(description="Told")
    def state(self, event: Event) -> str:
        if event.failed_at:
            return "set aside"
        return "yes" if event.published_at else "waiting"

    @admin.display(description="Data")
    def shown_data(self, event: Event) -> SafeString:
        return as_json(event.data)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(AdminsOnly, ReadOnlyAdmin):
    """Which keyed requests were answered; the answers themselves are not shown."""

    list_display = ("created_at", "principal", "route", "key", "status_code")
    ordering = ("-id",)
    search_fields = ("=key",)
    search_help_text = "The key that the client sent"
    fields = (
        ("principal", "route", "key"),
        ("status_code", "created_at", "expires_at"),
    )


def as_json(data: Any) -> SafeString:
    """Return data as one reads it."""
    return format_html("<pre>{}</pre>", json.dumps(data, indent=2, ensure_ascii=False))


def by_id(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Narrow to what tells of one thing, or came from one request."""
    term = term.strip()
    if not term:
        return rows
    try:
        return rows.filter(aggregate_id=UUID(term))
    except ValueError:
        return rows.filter(request_id=term)
