"""Deposits: what was asked for, what came, and a button to send it back."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.rules.policy import POLICY
from core.admin.actions import Action, PageAdmin
from core.admin.base import DropdownFilter, actor_of
from core.admin.display import Tone, badge, link, moment_text, two_lines
from core.admin.forms import ActionForm, reason_field
from core.admin.history import history_of
from integrations.models import Deposit, DepositState
from integrations.rules.deposits import may_become
from integrations.services import deposits

_STATES: Mapping[str, tuple[str, Tone]] = {
    DepositState.REQUESTED: ("Waits for payment", Tone.CALM),
    DepositState.PAID: ("Paid", Tone.ACTIVE),
    DepositState.REFUND_DUE: ("Refund due", Tone.WAITING),
    DepositState.REFUNDING: ("Refund on its way", Tone.SENT),
    DepositState.REFUNDED: ("Refunded", Tone.DONE),
    DepositState.EXPIRED: ("Not paid in time", Tone.DONE),
    DepositState.FAILED: ("Failed", Tone.DONE),
    DepositState.NEEDS_ATTENTION: ("Needs attention", Tone.ALERT),
}
_HISTORY = {
    "deposit.requested": ("Asked for", Tone.CALM),
    "deposit.paid": ("Paid, and the visit booked", Tone.ACTIVE),
    "deposit.expired": ("Not paid in time", Tone.DONE),
    "deposit.refund_due": ("To be sent back", Tone.WAITING),
    "deposit.needs_attention": ("Set aside for a person", Tone.ALERT),
}


class RefundForm(ActionForm):
    """Send the money back."""

    reason = reason_field(required=True)

    def run(self) -> Deposit:
        return deposits.refund_deposit(
            deposit_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            actor=self.actor,
            now=self.now,
        )


class StateFilter(DropdownFilter):
    """How far it has come."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, words) for state, (words, _) in _STATES.items()]

    def queryset(
        self, request: HttpRequest, rows: QuerySet[Deposit]
    ) -> QuerySet[Deposit]:
        return rows.filter(state=self.value()) if self.value() else rows


def _is_refundable(deposit: Deposit) -> bool:
    is_held = deposit.received_cents > deposit.refunded_cents
    return is_held and may_become(deposit.state, DepositState.REFUND_DUE)


@admin.register(Deposit)
class DepositAdmin(PageAdmin):
    """Money that customers pay before a visit is booked."""

    list_display = ("asked", "about", "amount", "visit", "state_badge")
    list_filter = (StateFilter,)
    list_select_related = ("location", "service", "appointment", "lead")
    ordering = ("-created_at",)
    search_fields = ("=session_id", "=intent_id", "=appointment__reference")
    search_help_text = "Reference of the visit, or Stripe's id (cs_..., pi_...)"
    tabs = (
        ("All", ""),
        ("Needs attention", "state=needs_attention"),
        ("Paid", "state=paid"),
        ("Refund due", "state=refund_due"),
    )
    page_actions = (
        Action(
            slug="refund",
            label="Refund",
            icon="undo",
            form=RefundForm,
            is_open=_is_refundable,
            done="The money goes back.",
            hint="All that is left of it. The visit stays as it is.",
            style="danger",
        ),
    )

    # Of this app the office sees its deposits alone, so the app's row of `ADMIN_SITE`
    # cannot say it.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).role in POLICY["deposits.retrieve"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).role in POLICY["deposits.refund"]

    def facts(self, request: HttpRequest, thing: Deposit) -> dict[str, Any]:
        zone = _zone(thing)
        visit = [
            ("Visit", self.visit(thing)),
            ("Service", thing.service.name),
            ("Branch", thing.location.name),
            ("Slot", moment_text(thing.starts_at, zone=zone)),
        ]
        return {
            "badges": self.state_badge(thing),
            "sections": [
                ("Visit", visit),
                ("Money", _money_of(thing)),
                ("Times", _times_of(thing)),
                ("At Stripe", _ids_of(thing)),
            ],
            "history": history_of("deposit", thing.pk, titles=_HISTORY, zone=zone),
        }

    @admin.display(description="Asked", ordering="created_at")
    def asked(self, deposit: Deposit) -> str:
        return moment_text(deposit.created_at, zone=_zone(deposit))

    @admin.display(description="For")
    def about(self, deposit: Deposit) -> SafeString:
        slot = moment_text(deposit.starts_at, zone=_zone(deposit))
        return two_lines(deposit.service.name, slot)

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, deposit: Deposit) -> str:
        return _money(deposit.amount_cents, deposit.currency)

    @admin.display(description="Visit")
    def visit(self, deposit: Deposit) -> SafeString | str:
        booked = deposit.appointment
        if booked is None:
            return "-"
        url = reverse("admin:appointments_appointment_change", args=[booked.pk])
        return link(url, booked.reference)

    @admin.display(description="State", ordering="state")
    def state_badge(self, deposit: Deposit) -> SafeString:
        words, tone = _STATES[deposit.state]
        return badge(words, tone, hint=deposit.attention)


def _money_of(deposit: Deposit) -> list[tuple[str, str]]:
    return [
        ("Asked for", _money(deposit.amount_cents, deposit.currency)),
        ("Received", _money(deposit.received_cents, deposit.currency)),
        ("Sent back", _money(deposit.refunded_cents, deposit.currency)),
        ("Money", "Real" if deposit.is_live else "Test"),
        ("Why it went back", deposit.refund_reason or "-"),
        ("Needs attention", deposit.attention or "-"),
    ]


def _times_of(deposit: Deposit) -> list[tuple[str, str]]:
    times = {
        "Asked": deposit.created_at,
        "Page open until": deposit.expires_at,
        "On its way by a bank since": deposit.pending_at,
        "Paid": deposit.paid_at,
        "Refunded": deposit.refunded_at,
    }
    zone = _zone(deposit)
    return [(name, moment_text(moment, zone=zone)) for name, moment in times.items()]


def _ids_of(deposit: Deposit) -> list[tuple[str, str]]:
    return [
        ("Checkout session", deposit.session_id or "-"),
        ("Payment", deposit.intent_id or "-"),
        ("Refund", deposit.refund_id or "-"),
    ]


def _money(cents: int, currency: str) -> str:
    return f"{cents / 100:.2f} {currency}"


def _zone(deposit: Deposit) -> ZoneInfo:
    zone: ZoneInfo = deposit.location.time_zone
    return zone
