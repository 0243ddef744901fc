"""What customers were told, word by word, and whether it arrived."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from core.admin.actions import Action, PageAdmin
from core.admin.base import DropdownFilter, RadioFilter
from core.admin.contacts import CHANNELS
from core.admin.display import Tone, badge, link, moment_text, two_lines
from core.admin.forms import ActionForm
from core.admin.outbox import delivery_badge
from notifications import services
from notifications.models import (
    Channel,
    Notification,
    NotificationQuerySet,
    Reply,
    State,
)
from notifications.rules.replies import Meaning

_UTC = ZoneInfo("UTC")


class ChannelFilter(DropdownFilter):
    """How it travels."""

    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, CHANNELS[one]) for one in Channel]

    def queryset(
        self, request: HttpRequest, rows: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        return rows.filter(channel=self.value()) if self.value() else rows


class StateFilter(RadioFilter):
    """How far it has come."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(State.choices)

    def queryset(
        self, request: HttpRequest, rows: NotificationQuerySet
    ) -> NotificationQuerySet:
        chosen = self.value()
        return rows.in_state(State(chosen)) if chosen in State.values else rows


@admin.register(Notification)
class NotificationAdmin(PageAdmin):
    """Messages, as they were written; nobody writes them here."""

    list_display = ("written", "who", "channel_name", "about", "visit", "state")
    list_filter = (StateFilter, ChannelFilter)
    tabs = (
        ("All", ""),
        ("Failed", "state=failed"),
        ("Not sent", "state=suppressed"),
        ("On their way", "state=pending"),
    )
    list_select_related = ("appointment__location", "customer", "delivery")
    ordering = ("-created_at", "-id")
    search_fields = (
        "=recipient",
        "=appointment__reference",
    )
    search_help_text = "Phone, e-mail or the visit's reference"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def facts(self, request: HttpRequest, thing: Notification) -> dict[str, Any]:
        return {
            "heading": thing.subject or self.about(thing),
            "badges": self.state(thing),
            "sections": [
                (
                    "Message",
                    [
                        ("To", self.who(thing)),
                        ("By", self.channel_name(thing)),
                        ("Visit", self.visit(thing)),
                        ("Written", self.written(thing)),
                        ("Sent", _time(thing, thing.sent_at)),
                        ("Provider's id", thing.provider_message_id or "-"),
                        ("Carrier", thing.carrier_error or thing.carrier_status or "-"),
                        ("Not sent because", thing.suppressed_because or "-"),
                    ],
                ),
            ],
            "text": thing.body,
        }

    @admin.display(description="Written", ordering="created_at")
    def written(self, message: Notification) -> str:
        return _time(message, message.created_at)

    @admin.display(description="To")
    def who(self, message: Notification) -> SafeString:
        return two_lines(message.customer.name, message.recipient)

    @admin.display(description="About")
    def about(self, message: Notification) -> str:
        return message.get_kind_display().capitalize()

    @admin.display(description="By", ordering="channel")
    def channel_name(self, message: Notification) -> str:
        return CHANNELS[message.channel]

    @admin.display(description="Visit")
    def visit(self, message: Notification) -> SafeString:
        url = reverse(
            "admin:appointments_appointment_change", args=[message.appointment_id]
        )
        return link(url, message.appointment.reference)

    @admin.display(description="State")
    def state(self, message: Notification) -> SafeString:
        match message.state:
            case State.DELIVERED:
                return badge("Delivered", Tone.ACTIVE)
            case State.SUPPRESSED:
                return badge("Not sent", Tone.WAITING, hint=message.suppressed_because)
            case State.PENDING if message.delivery:
                return delivery_badge(message.delivery)
            case _:
                error = message.carrier_error
                if not error and message.delivery:
                    error = message.delivery.last_error
                return badge("Failed", Tone.ALERT, hint=error)


class HandleForm(ActionForm):
    """Take it off the list of those that wait."""

    def run(self) -> Reply:
        return services.handle_reply(
            reply_id=self.thing.pk, actor=self.actor, now=self.now
        )


class WaitingFilter(RadioFilter):
    """Whether somebody has seen to it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("handled", "Seen to")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Reply]) -> QuerySet[Reply]:
        if self.value() is None:
            return rows
        return rows.filter(handled_at__isnull=self.value() == "waiting")


_MEANING_TONES = {
    Meaning.STOP: Tone.DONE,
    Meaning.START: Tone.ACTIVE,
    Meaning.CANCEL: Tone.ALERT,
    Meaning.HELP: Tone.WAITING,
    Meaning.OTHER: Tone.PLAIN,
}


@admin.register(Reply)
class ReplyAdmin(PageAdmin):
    """What people answered; what wants an answer waits here."""

    list_display = ("received", "who", "words", "meaning_badge", "state")
    list_filter = (WaitingFilter,)
    tabs = (("All", ""), ("Waiting", "state=waiting"))
    list_select_related = ("customer",)
    ordering = ("-received_at", "-id")
    search_fields = ("=sender",)
    search_help_text = "Phone"
    page_actions = (
        Action(
            slug="handle",
            label="Seen to",
            icon="done",
            form=HandleForm,
            is_open=lambda reply: reply.handled_at is None,
            done="It no longer waits.",
            style="primary",
        ),
    )

    def facts(self, request: HttpRequest, thing: Reply) -> dict[str, Any]:
        handled = moment_text(thing.handled_at, zone=_UTC)
        return {
            "heading": thing.sender,
            "badges": self.state(thing),
            "sections": [
                (
                    "Reply",
                    [
                        ("From", self.who(thing)),
                        ("Received", self.received(thing)),
                        ("Taken for", self.meaning_badge(thing)),
                        ("Seen to", f"{handled} {thing.handled_by}".strip()),
                    ],
                ),
            ],
            "text": thing.body,
        }

    @admin.display(description="Received", ordering="received_at")
    def received(self, reply: Reply) -> str:
        return moment_text(reply.received_at, zone=_UTC)

    @admin.display(description="From")
    def who(self, reply: Reply) -> SafeString:
        if reply.customer is None:
            return two_lines("Unknown", reply.sender)
        return two_lines(reply.customer.name, reply.sender)

    @admin.display(description="Says")
    def words(self, reply: Reply) -> str:
        return Truncator(reply.body).chars(60) or "-"

    @admin.display(description="Taken for")
    def meaning_badge(self, reply: Reply) -> SafeString:
        meaning = Meaning(reply.meaning)
        return badge(meaning.capitalize(), _MEANING_TONES[meaning])

    @admin.display(description="State")
    def state(self, reply: Reply) -> SafeString:
        if reply.handled_at is None:
            return badge("Waiting", Tone.WAITING)
        return badge("Seen to", Tone.DONE, hint=reply.handled_by)


def _time(message: Notification, moment: Any) -> str:
    return moment_text(moment, zone=message.appointment.location.time_zone)
