"""The conflict inbox: both values side by side, and a button for each."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from appointments.models import Appointment
from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly, DropdownFilter, actor_of
from core.admin.display import Tone, badge, moment_text
from core.admin.forms import ActionForm
from integrations.admin.subjects import subject_link
from integrations.admin.values import names_of, value_text
from integrations.models import SyncConflict
from integrations.selectors.conflicts import conflicts
from integrations.services.sync import resolve_conflict

_UTC = ZoneInfo("UTC")
_KINDS = SyncConflict.Kind


class KeepOursForm(ActionForm):
    """Ours stands, and they are told."""

    def run(self) -> SyncConflict:
        return resolve_conflict(
            conflict_id=self.thing.pk, keep="ours", actor=self.actor, now=self.now
        )


class KeepTheirsForm(ActionForm):
    """Theirs becomes ours, if our rules allow it."""

    def run(self) -> SyncConflict:
        return resolve_conflict(
            conflict_id=self.thing.pk, keep="theirs", actor=self.actor, now=self.now
        )


class StateFilter(DropdownFilter):
    """Whether somebody has decided it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(
        self, request: HttpRequest, rows: QuerySet[SyncConflict]
    ) -> QuerySet[SyncConflict]:
        if not self.value():
            return rows
        return rows.filter(resolved_at__isnull=self.value() == "open")


def _is_open(conflict: SyncConflict) -> bool:
    return conflict.resolved_at is None


@admin.register(SyncConflict)
class SyncConflictAdmin(AdminsOnly, PageAdmin):
    """What both sides changed, and what of theirs cannot be. They name people."""

    list_display = ("written", "about", "what", "our_value", "their_value", "state")
    list_filter = (StateFilter,)
    list_select_related = ("connection",)
    ordering = ("-id",)
    search_fields = ("subject", "=object_id")
    search_help_text = "Reference, name or id of the visit, customer or lead"
    tabs = (("Open", "state=open"), ("All", ""))
    page_actions = (
        Action(
            slug="keep-ours",
            label="Keep ours",
            icon="upload",
            form=KeepOursForm,
            is_open=_is_open,
            done="Ours stands; they are told.",
            hint="What they have is replaced by ours.",
            style="primary",
        ),
        Action(
            slug="keep-theirs",
            label="Take theirs",
            icon="download",
            form=KeepTheirsForm,
            is_open=_is_open,
            done="Theirs is ours now.",
            hint="By the same rules as every change: nothing is double-booked.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncConflict]:
        visits = Appointment.objects.filter(pk=OuterRef("object_id"))
        zone = Subquery(visits.values("location__time_zone"))
        return conflicts(actor=actor_of(request)).annotate(zone=zone)

    def facts(self, request: HttpRequest, thing: SyncConflict) -> dict[str, Any]:
        return {
            "badges": self.state(thing),
            "sections": [
                (
                    "Conflict",
                    [
                        ("With", thing.connection.name),
                        ("About", self.about(thing)),
                        ("Field", self.what(thing)),
                        ("Why", thing.why or _WHY[_KINDS(thing.kind)]),
                        ("Kept by the policy", thing.kept or "-"),
                        ("Written", _time(thing.created_at)),
                        ("Resolved", _time(thing.resolved_at)),
                        ("By", thing.resolved_by or "-"),
                        ("Resolution", thing.resolution or "-"),
                    ],
                )
            ],
            "table": {
                "title": "Both values",
                "columns": ["Last agreed", "Ours", "Theirs"],
                "rows": [_named_values(thing)],
            },
        }

    def summary(self, thing: SyncConflict) -> list[tuple[str, Any]]:
        names = ("Last agreed", "Ours", "Theirs")
        return list(zip(names, _named_values(thing), strict=True))

    @admin.display(description="Written", ordering="id")
    def written(self, conflict: SyncConflict) -> str:
        return _time(conflict.created_at)

    @admin.display(description="About")
    def about(self, conflict: SyncConflict) -> SafeString | str:
        return subject_link(conflict)

    @admin.display(description="Field")
    def what(self, conflict: SyncConflict) -> str:
        return capfirst(conflict.field.replace("_", " "))

    @admin.display(description="Ours")
    def our_value(self, conflict: SyncConflict) -> str:
        return _text(conflict, conflict.ours)

    @admin.display(description="Theirs")
    def their_value(self, conflict: SyncConflict) -> str:
        return _text(conflict, conflict.theirs)

    @admin.display(description="State")
    def state(self, conflict: SyncConflict) -> SafeString:
        if conflict.resolved_at is not None:
            return badge("Resolved", Tone.DONE, hint=conflict.resolution)
        if conflict.kind == _KINDS.NOT_POSSIBLE:
            return badge("Needs attention", Tone.ALERT, hint=conflict.why)
        return badge(f"Kept {conflict.kept}", Tone.WAITING)


_WHY = {
    _KINDS.BOTH_CHANGED: "Both sides changed it since they last agreed.",
    _KINDS.NOT_POSSIBLE: "It cannot be so here.",
}


def _named_values(conflict: SyncConflict) -> list[str]:
    values = [conflict.agreed, conflict.ours, conflict.theirs]
    ids = {each for value in values if isinstance(value, list) for each in value}
    names = names_of(ids) if conflict.field == "technicians" else None
    return [_text(conflict, value, names) for value in values]


def _text(
    conflict: SyncConflict, value: Any, names: Mapping[str, str] | None = None
) -> str:
    zone = getattr(conflict, "zone", None) or _UTC
    return value_text(value, field=conflict.field, zone=zone, names=names)


def _time(moment: Any) -> str:
    """Return a moment in UTC: other systems have no branch."""
    return moment_text(moment, zone=_UTC)
