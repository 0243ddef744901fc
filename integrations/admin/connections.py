"""Connections to vendors. Only admins see them, and nobody their credentials."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly
from core.admin.display import Tone, badge, link, moment_text
from core.admin.history import history_of
from core.admin.outbox import delivery_badge
from core.models import Event, OutboxMessage
from integrations import selectors, services
from integrations.admin import connection_forms as forms
from integrations.admin.mapping_forms import MappingsForm
from integrations.connectors.registry import connector_of, is_offered
from integrations.models import Breaker, Connection, ConnectionState, FieldMapping

_UTC = ZoneInfo("UTC")
_MOST = 20  # deliveries on the page

_STATES = {
    ConnectionState.ACTIVE: ("Active", Tone.ACTIVE),
    ConnectionState.PAUSED: ("Paused", Tone.WAITING),
    ConnectionState.NEEDS_ATTENTION: ("Needs attention", Tone.ALERT),
}
_TITLES = {
    "connection.needs_attention": ("Needs attention", Tone.ALERT),
    "connection.checked": ("Tested", Tone.PLAIN),
    "connection.secret_rotated": ("New secret for callbacks", Tone.PLAIN),
    "connection.token_rotated": ("New URL for callbacks", Tone.PLAIN),
}

_ADD = Action(
    slug="add",
    submit="Connect",
    label="New connection",
    icon="add_link",
    form=forms.NewConnectionForm,
    done="The vendor is connected. Test it now.",
)
_ACTIONS = (
    Action(
        slug="test",
        label="Test",
        icon="network_check",
        form=forms.TestForm,
        done="The vendor knows us; the page says what it said.",
        hint="It is asked whether it knows us; nothing is changed there.",
        style="primary",
    ),
    Action(
        slug="edit",
        submit="Save",
        label="Edit",
        icon="edit",
        form=forms.ConnectionForm,
        done="The connection is saved.",
    ),
    Action(
        slug="reauthorise",
        label="Re-authorise",
        icon="vpn_key",
        form=forms.ReauthoriseForm,
        done="The vendor takes the new credentials; what waited is on its way.",
        hint="They are tried first. If the vendor takes them, all goes on.",
    ),
    Action(
        slug="pause",
        label="Pause",
        icon="pause",
        form=forms.PauseForm,
        done="The connection is paused; what waits for it is parked.",
        is_open=lambda connection: connection.state != ConnectionState.PAUSED,
    ),
    Action(
        slug="resume",
        label="Resume",
        icon="play_arrow",
        form=forms.ResumeForm,
        done="The connection is in use again; what waited is on its way.",
        is_open=lambda connection: connection.state != ConnectionState.ACTIVE,
    ),
    Action(
        slug="mapping",
        submit="Save",
        label="Field mapping",
        icon="conversion_path",
        form=MappingsForm,
        done="The mapping is saved.",
        hint="What is not listed is not synced.",
    ),
    Action(
        slug="rotate-secret",
        label="New secret",
        icon="key",
        form=forms.RotateSecretForm,
        done="Callbacks may be signed with the new secret.",
        hint="For 24 hours callbacks with the old one are taken too.",
    ),
    Action(
        slug="rotate-url",
        label="New URL",
        icon="link",
        form=forms.RotateTokenForm,
        done="Tell the vendor the new URL: the old one is dead.",
        hint="The vendor's callbacks fail until it knows the new URL.",
    ),
    Action(
        slug="delete",
        label="Delete",
        icon="delete",
        form=forms.DeleteForm,
        done="The connection is gone; what waited for it is called off.",
        hint="What we know of the vendor's ids is forgotten with it.",
        style="danger",
        leaves_nothing=True,
    ),
)


@admin.register(Connection)
class ConnectionAdmin(AdminsOnly, PageAdmin):
    """Vendors that the company works with."""

    list_display = ("name", "vendor", "branch", "state_badge", "breaker", "succeeded")
    list_select_related = ("location", "health")
    list_filter = ("vendor", "state")
    ordering = ("vendor", "name", "pk")
    search_fields = ("name",)
    add_action = _ADD
    page_actions = _ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        rows: QuerySet[Connection] = super().get_queryset(request)
        return rows.select_related("health", "location")

    def facts(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        latest = selectors.messages_for(thing.pk).order_by("-pk")[:_MOST]
        return {
            "heading": f"{thing.get_vendor_display()}: {thing.name}",
            "badges": self.state_badge(thing),
            "sections": [
                ("Connection", self._about(thing)),
                ("Health", _health(thing)),
                ("What the vendor calls", _callbacks(thing)),
                ("Field mapping", _mapping(thing)),
            ],
            "table": {
                "title": "Latest deliveries",
                "columns": ["Written", "About", "State", "Tries", "Last error"],
                "rows": [_delivery(message) for message in latest],
            },
            "history": history_of("connection", thing.pk, titles=_TITLES, zone=_UTC),
        }

    def summary(self, thing: Any) -> list[tuple[str, Any]]:
        return [
            ("Vendor", thing.get_vendor_display()),
            ("Branch", self.branch(thing)),
            ("State", self.state_badge(thing)),
            ("Attention", thing.attention or "-"),
        ]

    @admin.display(description="Branch")
    def branch(self, connection: Connection) -> str:
        return connection.location.name if connection.location else "All"

    @admin.display(description="State", ordering="state")
    def state_badge(self, connection: Connection) -> SafeString:
        text, tone = _STATES[ConnectionState(connection.state)]
        return badge(text, tone, hint=connection.attention)

    @admin.display(description="Breaker")
    def breaker(self, connection: Connection) -> SafeString | str:
        health = getattr(connection, "health", None)
        if health is None or health.breaker == Breaker.CLOSED:
            return "-"
        word = "Open" if health.breaker == Breaker.OPEN else "Trying"
        return badge(word, Tone.ALERT, hint=health.last_error)

    @admin.display(description="Last success", ordering="health__last_success_at")
    def succeeded(self, connection: Connection) -> str:
        health = getattr(connection, "health", None)
        return moment_text(health.last_success_at if health else None, zone=_UTC)

    def _about(self, connection: Connection) -> list[tuple[str, Any]]:
        labels = _labels(connection)
        settings = [
            (labels.get(name, name), value)
            for name, value in connection.settings.items()
            if name != "hosts"
        ]
        hosts = [
            (f"Host: {name}", url)
            for name, url in connection.settings.get("hosts", {}).items()
        ]
        names = [
            labels.get(name, name) for name in selectors.credentials_set(connection)
        ]
        return [
            ("Branch", self.branch(connection)),
            ("Attention", connection.attention or "-"),
            *settings,
            *hosts,
            ("Credentials", f"Set: {', '.join(names)}" if names else "None"),
            ("Calls per second", connection.calls_per_second or "As usual"),
            ("Last test", _last_test(connection)),
        ]


def _labels(connection: Connection) -> dict[str, str]:
    """Return what the vendor's questions are called, by name."""
    if not is_offered(connection.vendor):
        return {}
    questions = connector_of(connection.vendor).questions
    return {question.name: question.label for question in questions}


def _health(connection: Connection) -> list[tuple[str, Any]]:
    health = getattr(connection, "health", None)
    if health is None:
        return [("Calls", "None yet")]
    return [
        ("Breaker", health.get_breaker_display()),
        ("Reopens", moment_text(health.reopens_at, zone=_UTC)),
        ("Last success", moment_text(health.last_success_at, zone=_UTC)),
        ("Last failure", moment_text(health.last_failure_at, zone=_UTC)),
        ("Failing since", moment_text(health.failing_since, zone=_UTC)),
        ("Last error", health.last_error or "-"),
    ]


def _callbacks(connection: Connection) -> list[tuple[str, Any]]:
    health = getattr(connection, "health", None)
    until = connection.previous_secret_until
    return [
        ("URL", services.inbound_url(connection) or "-"),
        ("Secret", "Set" if connection.inbound_secret else "None"),
        ("Old secret until", moment_text(until, zone=_UTC)),
        ("Last call", moment_text(health and health.last_inbound_at, zone=_UTC)),
    ]


def _mapping(connection: Connection) -> list[tuple[str, str]]:
    rows = selectors.mappings_of(connection.pk).order_by("object_type", "field")
    return [(f"{row.object_type}.{row.field}", _travels(row)) for row in rows]


def _travels(row: FieldMapping) -> str:
    """Return where a field goes, and who wins."""
    way = row.get_direction_display().lower()
    return f"{row.remote} ({way}, {row.get_winner_display().lower()} wins)"


def _last_test(connection: Connection) -> str:
    tests = Event.objects.of("connection", connection.pk).filter(
        name="connection.checked"
    )
    last = tests.last()
    if last is None:
        return "Never"
    return f"{moment_text(last.occurred_at, zone=_UTC)}: {last.data['said']}"


def _delivery(message: OutboxMessage) -> tuple[Any, ...]:
    url = reverse("admin:core_outboxmessage_change", args=[message.pk])
    return (
        moment_text(message.created_at, zone=_UTC),
        link(url, f"{message.aggregate_type} ({message.kind})"),
        delivery_badge(message),
        message.attempts,
        message.last_error or "-",
    )
