"""Ids of vendors: whose they are, how they came, and what both sides agreed on."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.admin.actions import PageAdmin
from core.admin.base import AdminsOnly, actor_of
from core.admin.display import Tone, badge, moment_text
from integrations.admin.subjects import subject_link
from integrations.models import ExternalLink
from integrations.selectors.links import external_links

_UTC = ZoneInfo("UTC")


@admin.register(ExternalLink)
class ExternalLinkAdmin(AdminsOnly, PageAdmin):
    """Which of theirs is which of ours. Nobody edits them: they are found or made."""

    list_display = ("vendor", "ours", "theirs", "came", "told", "state")
    ordering = ("-id",)
    search_fields = ("=object_id", "=remote_id")
    search_help_text = "The id of ours, or of theirs"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalLink]:
        return external_links(actor=actor_of(request))

    def facts(self, request: HttpRequest, thing: ExternalLink) -> dict[str, Any]:
        return {
            "badges": self.state(thing),
            "sections": [
                (
                    "Link",
                    [
                        ("At", self.vendor(thing)),
                        ("Ours", self.ours(thing)),
                        ("Theirs", self.theirs(thing)),
                        ("How they met", self.came(thing)),
                        ("Linked", moment_text(thing.created_at, zone=_UTC)),
                        ("Last told", self.told(thing)),
                        ("Last heard of", moment_text(thing.seen_at, zone=_UTC)),
                        ("Their version", thing.remote_version or "-"),
                    ],
                )
            ],
            "table": {
                "title": "What both last agreed on",
                "columns": ["Field", "Value"],
                "rows": sorted(
                    (field, "-" if value in {None, ""} else str(value))
                    for field, value in thing.agreed.items()
                    if not isinstance(value, list | dict)
                ),
            },
        }

    @admin.display(description="At", ordering="connection__name")
    def vendor(self, link: ExternalLink) -> str:
        return link.connection.name

    @admin.display(description="Ours")
    def ours(self, link: ExternalLink) -> SafeString | str:
        return subject_link(link)

    @admin.display(description="Theirs")
    def theirs(self, link: ExternalLink) -> str:
        return f"{link.remote_type} {link.remote_id}"

    @admin.display(description="How they met")
    def came(self, link: ExternalLink) -> str:
        return link.get_origin_display()

    @admin.display(description="Last told", ordering="pushed_at")
    def told(self, link: ExternalLink) -> str:
        return moment_text(link.pushed_at, zone=_UTC)

    @admin.display(description="State")
    def state(self, link: ExternalLink) -> SafeString:
        if link.is_gone:
            return badge("Gone there", Tone.ALERT)
        return badge("Linked", Tone.ACTIVE)
