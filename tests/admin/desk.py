"""Somebody at a desk, who presses buttons and reads what the page says then."""

from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import reverse

from core.models import Event


class Desk:
    """Sends a button's form as it was shown, and returns the page that follows."""

    def __init__(self, browser: Client) -> None:
        self.browser = browser

    def press(self, model: str, thing: Any, slug: str, **fields: Any) -> str:
        url = reverse(f"admin:{model}_action", args=[thing.pk, slug])
        assert self.browser.get(url).status_code == 200
        form = {"version": getattr(thing, "version", 1)} | fields
        return self.browser.post(url, form, follow=True).content.decode()

    def page(self, model: str, thing: Any) -> str:
        url = reverse(f"admin:{model}_change", args=[thing.pk])
        return self.browser.get(url).content.decode()


def events_of(aggregate_type: str, thing_id: UUID) -> list[str]:
    """Return the names of what happened to a thing, in order."""
    rows = Event.objects.of(aggregate_type, thing_id)
    return list(rows.values_list("name", flat=True))
