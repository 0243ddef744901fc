"""Who outside is told of our events. Nobody but admins sees them; secrets nobody."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.admin.actions import PageAdmin
from core.admin.base import AdminsOnly
from core.admin.display import Tone, badge
from integrations.models import WebhookEndpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(AdminsOnly, PageAdmin):
    """Subscribers."""

    list_display = ("url", "description", "events", "branch", "state")
    list_select_related = ("location",)
    ordering = ("url", "pk")
    search_fields = ("url", "description")

    def facts(self, request: HttpRequest, thing: WebhookEndpoint) -> dict[str, Any]:
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
                    ],
                )
            ],
        }

    @admin.display(description="Events")
    def events(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.event_names) or "All"

    @admin.display(description="Branch")
    def branch(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.location.name if endpoint.location else "All"

    @admin.display(description="State")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        if endpoint.is_active:
            return badge("Active", Tone.ACTIVE)
        return badge("Off", Tone.ALERT, hint=endpoint.disabled_because)
