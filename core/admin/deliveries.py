"""What leaves the house: how far it has come, and two buttons for the admin."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from core import services
from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly, DropdownFilter
from core.admin.display import moment_text
from core.admin.forms import ActionForm, reason_field
from core.admin.history import history_of
from core.admin.outbox import delivery_badge
from core.admin.records import by_id
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.services.replaying import REPLAYABLE

_UTC = ZoneInfo("UTC")
_EXCERPT = 200  # of what a receiver answered; the API has all that is kept


class ReplayForm(ActionForm):
    """Send it again, under its old key."""

    def run(self) -> OutboxMessage:
        return services.replay(key=self.thing.key, actor=self.actor, now=self.now)


class ReplayDeadForm(ActionForm):
    """Send all that was given up once more; a second press finds it waiting."""

    def run(self) -> int:
        return services.replay_many(
            messages=OutboxMessage.objects.filter(status=OutboxStatus.DEAD),
            actor=self.actor,
            now=self.now,
            asked={"status": OutboxStatus.DEAD.value},
        )


_REPLAY_DEAD = Action(
    slug="replay-dead",
    label="Send again what was given up",
    icon="replay",
    form=ReplayDeadForm,
    done="What was given up is on its way again.",
    hint="The oldest 10,000, each under its old key.",
    leaves_nothing=True,
)


class CallOffForm(ActionForm):
    """Do not send it."""

    reason = reason_field(required=True)

    def run(self) -> OutboxMessage:
        return services.cancel(
            key=self.thing.key,
            actor=self.actor,
            now=self.now,
            reason=self.cleaned_data["reason"],
        )


class DeliveryStatusFilter(DropdownFilter):
    """How far it has come."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(OutboxStatus.choices)

    def queryset(
        self, request: HttpRequest, rows: QuerySet[OutboxMessage]
    ) -> QuerySet[OutboxMessage]:
        return rows.filter(status=self.value()) if self.value() else rows


class DestinationFilter(DropdownFilter):
    """Of one connection or subscriber; links lead here."""

    title = "destination"
    parameter_name = "destination"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        return [(chosen, chosen)] if chosen else []

    def queryset(
        self, request: HttpRequest, rows: QuerySet[OutboxMessage]
    ) -> QuerySet[OutboxMessage]:
        return rows.filter(destination=self.value()) if self.value() else rows


@admin.register(OutboxMessage)
class OutboxMessageAdmin(AdminsOnly, PageAdmin):
    """Messages on their way out."""

    list_display = ("created", "kind", "destination", "what", "state", "attempts")
    list_filter = (DeliveryStatusFilter, DestinationFilter)
    list_select_related = ("event",)
    ordering = ("-id",)
    search_fields = ("=aggregate_id",)
    search_help_text = "The id of the thing that it tells of, or of a request"
    tabs = (("All", ""), ("Given up", "state=dead"), ("Waiting", "state=pending"))
    page_actions = (
        Action(
            slug="replay",
            label="Send again",
            icon="replay",
            form=ReplayForm,
            is_open=lambda message: message.status in REPLAYABLE,
            done="The message is on its way again.",
            hint="It keeps its key, by which the receiver knows a repetition.",
            style="primary",
        ),
        Action(
            slug="call-off",
            label="Call off",
            icon="cancel_schedule_send",
            form=CallOffForm,
            is_open=lambda message: (
                message.status in {OutboxStatus.PENDING, OutboxStatus.PARKED}
            ),
            done="The message will not be sent.",
            style="danger",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_dead_view)
        name = "core_outboxmessage_replay_dead"
        return [path("replay-dead/", view, name=name), *super().get_urls()]

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        return [(_REPLAY_DEAD.label, self.url("replay_dead"))]

    def replay_dead_view(self, request: HttpRequest) -> HttpResponse:
        """Ask once, and send again all that was given up."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        back = self.url("changelist")
        return self.ask(request, _REPLAY_DEAD, thing=None, back=back)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[OutboxMessage], bool]:
        return by_id(queryset, search_term), False

    def facts(self, request: HttpRequest, thing: OutboxMessage) -> dict[str, Any]:
        tries = thing.delivery_attempts.order_by("number", "pk")
        return {
            "badges": delivery_badge(thing),
            "sections": [
                (
                    "Message",
                    [
                        ("About", self.what(thing)),
                        ("Kind", thing.kind),
                        ("To", thing.destination),
                        ("Key", thing.key),
                        ("Tries", f"{thing.attempts} of {thing.max_attempts}"),
                        ("Last error", thing.last_error or "-"),
                        ("Next try", _time(thing.next_attempt_at)),
                        ("Finished", _time(thing.finished_at)),
                        ("Request", thing.request_id or "-"),
                    ],
                ),
            ],
            "table": {
                "title": "Tries",
                "columns": [
                    *("No.", "Began", "Outcome", "HTTP", "Took", "Error", "Answer"),
                ],
                "rows": [
                    (
                        one.number,
                        _time(one.started_at),
                        one.outcome,
                        one.http_status or "-",
                        f"{one.duration_ms} ms",
                        one.error or "-",
                        one.response_excerpt[:_EXCERPT] or "-",
                    )
                    for one in tries
                ],
            },
            "history": history_of("delivery", thing.key, titles={}, zone=_UTC),
        }

    @admin.display(description="Written", ordering="id")
    def created(self, message: OutboxMessage) -> str:
        return _time(message.created_at)

    @admin.display(description="About")
    def what(self, message: OutboxMessage) -> str:
        return message.event.name if message.event else message.aggregate_type

    @admin.display(description="State")
    def state(self, message: OutboxMessage) -> SafeString:
        return delivery_badge(message)


def _time(moment: Any) -> str:
    """Return a moment in UTC: other systems have no branch."""
    return moment_text(moment, zone=_UTC)
