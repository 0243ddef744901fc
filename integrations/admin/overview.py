"""How everything outside is doing, on one page: what waits, what failed, what to do."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from core import services
from core.actors import Role
from core.admin.base import actor_of
from core.admin.display import Tone, badge, share_text
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import Breaker, ConnectionState
from integrations.selectors.hours import Hour, hours_of
from integrations.selectors.standing import Standing, standings

_HOURS = 24
# What the chart is drawn in; the page stretches it.
_SLOT, _BAR, _HEIGHT = 10, 8, 36
_BRIEF, _MINUTE, _HOUR, _DAY = 10, 60, 3600, 86_400
_GOAL = 0.9995


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show each connection and subscriber, with its last day."""
    _admins_only(request)
    now = timezone.now()
    found = standings(actor=actor_of(request), now=now)
    hours = hours_of([each.id for each in found], until=now, count=_HOURS)
    context = {
        **admin.site.each_context(request),
        "title": "Integrations",
        "groups": [
            {
                "title": title,
                "cards": [
                    _card(each, hours[each.id], now=now)
                    for each in found
                    if each.kind == kind
                ],
                "nothing": nothing,
            }
            for title, kind, nothing in (
                ("Connections", "connection", "No vendor is connected yet."),
                ("Subscribers", "subscriber", "Nobody is told of events yet."),
            )
        ],
    }
    return TemplateResponse(request, "admin/integrations.html", context)


@require_POST
def replay(request: HttpRequest, destination: UUID) -> HttpResponse:
    """Send again all that was given up for one destination."""
    _admins_only(request)
    now, actor = timezone.now(), actor_of(request)
    if destination not in {each.id for each in standings(actor=actor, now=now)}:
        raise Http404
    count = services.replay_many(
        messages=OutboxMessage.objects.filter(
            destination=str(destination), status=OutboxStatus.DEAD
        ),
        actor=actor,
        now=now,
        asked={"destination": str(destination), "status": OutboxStatus.DEAD.value},
    )
    are = "message is" if count == 1 else "messages are"
    messages.success(request, f"{count} {are} on the way again.")
    return HttpResponseRedirect(reverse("admin:integrations"))


def _admins_only(request: HttpRequest) -> None:
    if actor_of(request).role is not Role.ADMIN:
        raise PermissionDenied


def _card(standing: Standing, hours: list[Hour], *, now: datetime) -> dict[str, Any]:
    out, come = standing.outgoing, standing.incoming
    ratio = out.success_ratio
    return {
        "one": standing,
        "badge": _state(standing),
        "url": _page_of(standing),
        "success": "-" if ratio is None else share_text(ratio),
        "is_short": ratio is not None and ratio < _GOAL,
        "waiting": out.waiting + out.parked,
        "lag": _ago(out.lag_seconds) if out.lag_seconds else "",
        "p95": "" if out.p95_seconds is None else _ago(out.p95_seconds),
        "last": _since(standing.last_success_at, now=now),
        "inbox": come.waiting,
        "inbox_lag": _ago(come.lag_seconds) if come.lag_seconds else "",
        "bars": _bars(hours),
        "ends_at": len(hours) * _SLOT,
        "height": _HEIGHT,
    }


def _state(standing: Standing) -> SafeString:
    """Return the one word that matters most now."""
    if standing.state == ConnectionState.NEEDS_ATTENTION:
        return badge("Needs attention", Tone.ALERT, hint=standing.attention)
    if standing.state in {ConnectionState.PAUSED, "disabled"}:
        return badge(standing.state.title(), Tone.DONE, hint=standing.attention)
    if standing.breaker == Breaker.OPEN:
        return badge("Down: no calls", Tone.ALERT, hint=standing.last_error)
    if standing.breaker == Breaker.HALF_OPEN:
        return badge("Trying again", Tone.WAITING, hint=standing.last_error)
    return badge("Active", Tone.ACTIVE)


def _page_of(standing: Standing) -> str:
    """Return where one changes it."""
    model = "connection" if standing.kind == "connection" else "webhookendpoint"
    try:
        return reverse(f"admin:integrations_{model}_change", args=[standing.id])
    except NoReverseMatch:
        return ""


def _bars(hours: list[Hour]) -> list[dict[str, Any]]:
    """Return a stacked bar per hour: what arrived below, what was given up above."""
    most = max((hour.delivered + hour.dead for hour in hours), default=0) or 1
    bars = []
    for place, hour in enumerate(hours):
        good = _HEIGHT * hour.delivered / most
        bad = _HEIGHT * hour.dead / most
        bars.append(
            {
                "x": place * _SLOT + (_SLOT - _BAR) / 2,
                "width": _BAR,
                "good": round(good, 1),
                "bad": round(bad, 1),
                "good_y": round(_HEIGHT - good, 1),
                "bad_y": round(_HEIGHT - good - bad, 1),
                "says": f"{hour.starts_at:%H:%M} UTC: {hour.delivered} delivered"
                + (f", {hour.dead} given up" if hour.dead else ""),
            }
        )
    return bars


def _since(moment: datetime | None, *, now: datetime) -> str:
    return "" if moment is None else f"{_ago((now - moment).total_seconds())} ago"


def _ago(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    if seconds < _BRIEF:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{timedelta(seconds=seconds).days} days"
