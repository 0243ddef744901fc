"""What vendors told us: what became of it, and a button to take it in again."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly, DropdownFilter, actor_of
from core.admin.display import Tone, badge, moment_text
from core.admin.forms import ActionForm
from integrations.models import InboundEvent, InboundState, Vendor
from integrations.selectors.inbox import inbox_of
from integrations.services import inbox

_UTC = ZoneInfo("UTC")
_MOST_SHOWN = 20_000  # characters of a body
_TONES = {
    InboundState.RECEIVED: Tone.CALM,
    InboundState.LEASED: Tone.SENT,
    InboundState.PROCESSED: Tone.ACTIVE,
    InboundState.IGNORED: Tone.DONE,
    InboundState.STALE: Tone.DONE,
    InboundState.DEAD: Tone.ALERT,
}


class TakeInAgainForm(ActionForm):
    """Take it in again."""

    def run(self) -> InboundEvent:
        return inbox.replay_inbound(
            event_id=self.thing.pk, actor=self.actor, now=self.now
        )


class TakeInAllForm(ActionForm):
    """Take in again all that was given up; a second press finds it waiting."""

    def run(self) -> int:
        return inbox.replay_dead(
            events=inbox_of(actor=self.actor),
            actor=self.actor,
            now=self.now,
            asked={"state": InboundState.DEAD.value},
        )


_TAKE_IN_ALL = Action(
    slug="replay-dead",
    label="Take in again what was given up",
    icon="replay",
    form=TakeInAllForm,
    done="What was given up is taken in again.",
    hint="The oldest 10,000. What has had its effect has it no second time.",
    leaves_nothing=True,
)


class StateFilter(DropdownFilter):
    """What became of it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(InboundState.choices)

    def queryset(
        self, request: HttpRequest, rows: QuerySet[InboundEvent]
    ) -> QuerySet[InboundEvent]:
        return rows.filter(state=self.value()) if self.value() else rows


class VendorFilter(DropdownFilter):
    """Who said it."""

    title = "vendor"
    parameter_name = "vendor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Vendor.choices)

    def queryset(
        self, request: HttpRequest, rows: QuerySet[InboundEvent]
    ) -> QuerySet[InboundEvent]:
        return rows.filter(connection__vendor=self.value()) if self.value() else rows


@admin.register(InboundEvent)
class InboundEventAdmin(AdminsOnly, PageAdmin):
    """Callbacks of vendors, and what polling found. They name people: admins only."""

    list_display = ("received", "vendor", "event_type", "state_badge", "note")
    list_filter = (StateFilter, VendorFilter)
    list_select_related = ("connection",)
    ordering = ("-id",)
    search_fields = ("=external_id",)
    search_help_text = "The vendor's id of the thing that it is about"
    tabs = (("All", ""), ("Given up", "state=dead"), ("Waiting", "state=received"))
    page_actions = (
        Action(
            slug="replay",
            label="Take in again",
            icon="replay",
            form=TakeInAgainForm,
            is_open=lambda event: event.state in inbox.REPLAYABLE,
            done="It is taken in again.",
            hint="What has had its effect has it no second time.",
            style="primary",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_dead_view)
        name = "integrations_inboundevent_replay_dead"
        return [path("replay-dead/", view, name=name), *super().get_urls()]

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        return [(_TAKE_IN_ALL.label, self.url("replay_dead"))]

    def replay_dead_view(self, request: HttpRequest) -> HttpResponse:
        """Ask once, and take in again all that was given up."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        back = self.url("changelist")
        return self.ask(request, _TAKE_IN_ALL, thing=None, back=back)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        return inbox_of(actor=actor_of(request))

    def facts(self, request: HttpRequest, thing: InboundEvent) -> dict[str, Any]:
        return {
            "badges": self.state_badge(thing),
            "sections": [
                (
                    "Callback",
                    [
                        ("From", f"{self.vendor(thing)}: {thing.connection.name}"),
                        ("Came by", thing.get_source_display()),
                        ("Type", thing.event_type or "-"),
                        ("About", thing.external_id or "-"),
                        ("Happened", _time(thing.occurred_at)),
                        ("Received", _time(thing.received_at)),
                        ("Times", thing.times_received),
                        ("Tries", thing.attempts),
                        ("Note", thing.note or "-"),
                        ("Next try", _time(thing.next_attempt_at)),
                        ("Finished", _time(thing.finished_at)),
                        ("Request", thing.request_id or "-"),
                    ],
                ),
                ("What was said", [("Body", _body(thing))]),
                ("Headers", [*thing.headers.items()]),
            ],
        }

    @admin.display(description="Received", ordering="id")
    def received(self, event: InboundEvent) -> str:
        return _time(event.received_at)

    @admin.display(description="Vendor")
    def vendor(self, event: InboundEvent) -> str:
        return Vendor(event.connection.vendor).label

    @admin.display(description="State")
    def state_badge(self, event: InboundEvent) -> SafeString:
        state = InboundState(event.state)
        if state is InboundState.RECEIVED and event.attempts:
            return badge("Retrying", Tone.WAITING, hint=event.note)
        word = "Being taken in" if state is InboundState.LEASED else state.label
        return badge(word, _TONES[state], hint=event.note)


def _body(event: InboundEvent) -> str:
    return inbox.body_of(event).decode(errors="replace")[:_MOST_SHOWN]


def _time(moment: Any) -> str:
    """Return a moment in UTC: other systems have no branch."""
    return moment_text(moment, zone=_UTC)
