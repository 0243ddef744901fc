"""What customers were told, word by word, and whether it arrived."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from core.admin.actions import PageAdmin
from core.admin.base import DropdownFilter, RadioFilter
from core.admin.display import Tone, badge, link, moment_text, two_lines
from core.admin.outbox import delivery_badge
from core.models.outbox import OutboxStatus
from notifications.models import Channel, Notification


class ChannelFilter(DropdownFilter):
    """How it travels."""

    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Channel.choices)

    def queryset(
        self, request: HttpRequest, rows: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        return rows.filter(channel=self.value()) if self.value() else rows


class OutcomeFilter(RadioFilter):
    """What needs a hand: messages that nobody got."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "Failed"), ("suppressed", "Not sent"), ("sent", "Sent")]

    def queryset(
        self, request: HttpRequest, rows: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        match self.value():
            case "failed":
                return rows.filter(delivery__status=OutboxStatus.DEAD)
            case "suppressed":
                return rows.exclude(suppressed_because="")
            case "sent":
                return rows.filter(sent_at__isnull=False)
            case _:
                return rows


@admin.register(Notification)
class NotificationAdmin(PageAdmin):
    """Messages, as they were written; nobody writes them here."""

    list_display = ("written", "who", "channel", "about", "visit", "state")
    list_filter = (OutcomeFilter, ChannelFilter)
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
                        ("By", thing.get_channel_display()),
                        ("Visit", self.visit(thing)),
                        ("Written", self.written(thing)),
                        ("Sent", _time(thing, thing.sent_at)),
                        ("Provider's id", thing.provider_message_id or "-"),
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
        return message.event_name.partition(".")[2].replace("_", " ").capitalize()

    @admin.display(description="Visit")
    def visit(self, message: Notification) -> SafeString:
        url = reverse(
            "admin:appointments_appointment_change", args=[message.appointment_id]
        )
        return link(url, message.appointment.reference)

    @admin.display(description="State")
    def state(self, message: Notification) -> SafeString | str:
        if message.suppressed_because:
            return badge("Not sent", Tone.WAITING, hint=message.suppressed_because)
        return delivery_badge(message.delivery) if message.delivery else "-"


def _time(message: Notification, moment: Any) -> str:
    return moment_text(moment, zone=message.appointment.location.time_zone)
