"""How the admin looks: the theme's settings and its sidebar."""

from typing import Any

from django.urls import reverse_lazy


def _link(title: str, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Fieldbook",
    "SITE_HEADER": "Fieldbook",
    "SITE_SUBHEADER": "Booking and dispatch",
    "SITE_SYMBOL": "home_repair_service",
    "LOGIN": {"form": "accounts.forms.LoginForm"},
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}
