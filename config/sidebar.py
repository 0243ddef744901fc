"""The admin's sidebar, by the day's work, with what waits for somebody."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from appointments.selectors.dashboard import unassigned_ahead
from appointments.selectors.plans import plans_needing_attention
from config.waiting import (
    MOST,
    count,
    dead_callbacks,
    dead_deliveries,
    deposits_to_look_at,
    new_leads,
    open_conflicts,
    waiting_replies,
)
from core.actors import Role
from core.admin.base import actor_of

Item = dict[str, Any]


def navigation(request: HttpRequest) -> list[Item]:
    """Return the groups that this user has something in."""
    groups = [
        _dispatch(request),
        _customers(request),
        _company(request),
        _outside(request),
    ]
    return [group for group in groups if group["items"]]


def _customers(request: HttpRequest) -> Item:
    actor = actor_of(request)
    plans = count(plans_needing_attention(actor=actor))
    deposits = deposits_to_look_at(actor=actor)
    replies = waiting_replies(actor=actor)
    return _group(
        "Customers",
        _item(
            request,
            "Leads",
            "contact_phone",
            "leads.lead",
            badge=new_leads(actor=actor),
        ),
        _item(request, "Customers", "group", "leads.customer"),
        _item(
            request,
            "Maintenance plans",
            "event_repeat",
            "appointments.maintenanceplan",
            badge=plans,
        ),
        _item(request, "Deposits", "payments", "integrations.deposit", badge=deposits),
        _item(request, "Messages", "chat", "notifications.notification"),
        _item(
            request,
            "Replies",
            "mark_chat_unread",
            "notifications.reply",
            badge=replies,
        ),
    )


def _dispatch(request: HttpRequest) -> Item:
    today = {"title": "Today", "icon": "wb_sunny", "link": reverse("admin:index")}
    visits = _item(request, "Visits", "calendar_month", "appointments.appointment")
    unassigned = _item(
        request,
        "Unassigned",
        "person_search",
        "appointments.appointment",
        query="?needs=technician",
        badge=unassigned_ahead(actor=actor_of(request), now=timezone.now()),
    )
    on_visits = str(visits["link"]) in request.path
    looks_for_crew = request.GET.get("needs") == "technician"
    visits["active"] = on_visits and not looks_for_crew
    unassigned["active"] = on_visits and looks_for_crew
    return _group("Dispatch", today, visits, unassigned)


def _company(request: HttpRequest) -> Item:
    return _group(
        "Company",
        _item(request, "Technicians", "engineering", "technicians.technician"),
        _item(request, "Skills", "workspace_premium", "technicians.skill"),
        _item(request, "Services", "home_repair_service", "appointments.service"),
        _item(request, "Caps", "production_quantity_limits", "appointments.cap"),
        _item(request, "Branches", "store", "core.location"),
        _item(request, "Holidays", "celebration", "core.holiday"),
    )


def _outside(request: HttpRequest) -> Item:
    """Return what is the admin's: other systems, people, and the record of it all."""
    is_admin = actor_of(request).role is Role.ADMIN
    dead = dead_deliveries() if is_admin else 0
    page = reverse("admin:integrations")
    overview = {
        "title": "Integrations",
        "icon": "hub",
        "link": page,
        "is_allowed": is_admin,
        "active": request.path == page,
    }
    return _group(
        "System",
        overview,
        _item(request, "Connections", "cable", "integrations.connection"),
        _item(request, "Links", "link", "integrations.externallink"),
        _item(request, "Webhooks", "webhook", "integrations.webhookendpoint"),
        _item(request, "Deliveries", "outbox", "core.outboxmessage", badge=dead),
        _item(
            request,
            "Callbacks",
            "move_to_inbox",
            "integrations.inboundevent",
            badge=dead_callbacks() if is_admin else 0,
        ),
        _item(
            request,
            "Conflicts",
            "call_split",
            "integrations.syncconflict",
            badge=open_conflicts() if is_admin else 0,
            query="?state=open",
        ),
        _item(request, "People", "badge", "accounts.user"),
        _item(request, "History", "history", "core.event"),
        _item(request, "Repeated requests", "repeat", "core.idempotencyrecord"),
    )


def _group(title: str, *items: Item) -> Item:
    return {
        "title": title,
        "items": [item for item in items if item.pop("is_allowed", True)],
    }


def _item(
    request: HttpRequest,
    title: str,
    icon: str,
    model: str,
    *,
    query: str = "",
    badge: int = 0,
) -> Item:
    """Return the entry for a model's list; a badge of nothing is left out."""
    app, _, name = model.partition(".")
    model_admin = admin.site.get_model_admin(apps.get_model(model))
    item: Item = {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{app}_{name}_changelist") + query,
        "is_allowed": model_admin.has_view_permission(request),
    }
    if badge:
        item["badge"] = str(badge) if badge <= MOST else f"{MOST}+"
        item["badge_variant"] = "warning"
    return item
