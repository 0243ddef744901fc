"""Subscribers. Nobody but admins sees them; a secret is shown once, when it is made."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import CharField, Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly, actor_of
from core.admin.display import Tone, badge, link, moment_text
from core.admin.history import history_of
from core.admin.outbox import delivery_badge
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.admin import forms
from integrations.models import WebhookEndpoint
from integrations.selectors import deliveries, deliveries_to

_UTC = ZoneInfo("UTC")
_MOST = 20  # deliveries on the page

_ADD = Action(
    slug="add",
    submit="Subscribe",
    label="New subscriber",
    icon="add_link",
    form=forms.NewEndpointForm,
    done="The endpoint is subscribed.",
)
_ACTIONS = (
    Action(
        slug="edit",
        submit="Save",
        label="Edit",
        icon="edit",
        form=forms.EndpointForm,
        done="The endpoint is saved.",
        hint="While it is switched off, what waits for it is parked.",
        style="primary",
    ),
    Action(
        slug="test",
        label="Send a test",
        icon="send",
        form=forms.TestForm,
        done="A test event is on its way.",
        is_open=lambda endpoint: endpoint.is_active,
    ),
    Action(
        slug="rotate",
        label="New secret",
        icon="key",
        form=forms.RotateForm,
        done="The endpoint has a new secret.",
        hint="For 24 hours each message carries both signatures.",
    ),
    Action(
        slug="delete",
        label="Delete",
        icon="delete",
        form=forms.DeleteForm,
        done="The endpoint is gone; what waited for it is called off.",
        style="danger",
        leaves_nothing=True,
    ),
)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(AdminsOnly, PageAdmin):
    """Subscribers."""

    list_display = ("url", "description", "events", "branch", "state", "given_up")
    list_select_related = ("location",)
    ordering = ("url", "pk")
    search_fields = ("url", "description")
    add_action = _ADD
    page_actions = _ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        dead = (
            OutboxMessage.objects.filter(
                status=OutboxStatus.DEAD,
                destination=Cast(OuterRef("pk"), CharField()),
            )
            .order_by()
            .values("destination")
            .annotate(total=Count("pk"))
            .values("total")
        )
        rows: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        return rows.annotate(dead=Coalesce(Subquery(dead), 0))

    def facts(self, request: HttpRequest, thing: WebhookEndpoint) -> dict[str, Any]:
        among = deliveries(actor=actor_of(request))
        latest = deliveries_to(endpoint_id=thing.pk, among=among).order_by("-pk")
        return {
            "badges": self.state(thing),
            "sections": [
                (
                    "Endpoint",
                    [
                        ("URL", thing.url),
                        ("Description", thing.description or "-"),
                        ("Events", self.events(thing)),
                        ("Branch", self.branch(thing)),
                        ("Switched off because", thing.disabled_because or "-"),
                        ("Failing since", moment_text(thing.failing_since, zone=_UTC)),
                    ],
                )
            ],
            "table": {
                "title": "Latest deliveries",
                "columns": ["Written", "Event", "State", "Tries", "Last error"],
                "rows": [_delivery(message) for message in latest[:_MOST]],
            },
            "history": history_of("webhook_endpoint", thing.pk, titles={}, zone=_UTC),
        }

    def summary(self, thing: WebhookEndpoint) -> list[tuple[str, Any]]:
        return [("URL", thing.url), ("State", self.state(thing))]

    @admin.display(description="Events")
    def events(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.event_names) or "All"

    @admin.display(description="Branch")
    def branch(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.location.name if endpoint.location else "All"

    @admin.display(description="State")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        if not endpoint.is_active:
            return badge("Off", Tone.ALERT, hint=endpoint.disabled_because)
        if endpoint.failing_since:
            return badge("Failing", Tone.WAITING)
        return badge("Active", Tone.ACTIVE)

    @admin.display(description="Given up", ordering="dead")
    def given_up(self, endpoint: WebhookEndpoint) -> SafeString | str:
        dead: int = endpoint.dead  # type: ignore[attr-defined]  # annotated
        return badge(str(dead), Tone.ALERT) if dead else "-"


def _delivery(message: OutboxMessage) -> tuple[Any, ...]:
    url = reverse("admin:core_outboxmessage_change", args=[message.pk])
    name = message.event.name if message.event else message.payload.get("type", "")
    return (
        moment_text(message.created_at, zone=_UTC),
        link(url, name or message.kind),
        delivery_badge(message),
        message.attempts,
        message.last_error or "-",
    )
