"""Webhook endpoints: who is told of which events."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.stripe import forms
from integrations.sandbox.stripe.ledger import Ledger, Thing, merge_metadata

_FIELDS: Mapping[str, forms.Check] = {
    "api_version": forms.text,
    "connect": forms.boolean,
    "description": forms.text,
    "disabled": forms.boolean,
    "enabled_events": forms.items,
    "expand": forms.anything,
    "metadata": forms.metadata,
    "url": forms.url,
}


def create(ledger: Ledger, sent: Mapping[str, Any]) -> Thing:
    """Keep an endpoint; its secret is told this once."""
    told = forms.read(sent, _FIELDS, required=("url", "enabled_events"))
    endpoint = ledger.add(
        "webhook_endpoint",
        api_version=told.get("api_version"),
        application=None,
        description=told.get("description"),
        enabled_events=told["enabled_events"],
        metadata=dict(told.get("metadata", {})),
        status="enabled",
        url=told["url"],
    )
    return endpoint | {"secret": ledger.roll(endpoint, keep_seconds=0)}


def update(ledger: Ledger, endpoint: Thing, sent: Mapping[str, Any]) -> Thing:
    """Change what an endpoint hears, or whether it does."""
    told = forms.read(sent, _FIELDS)
    merge_metadata(endpoint, told)
    kept = ("description", "enabled_events", "url")
    endpoint |= {name: told[name] for name in kept if name in told}
    if "disabled" in told:
        endpoint["status"] = "disabled" if told["disabled"] else "enabled"
    return endpoint


def delete(ledger: Ledger, endpoint: Thing) -> Thing:
    """Forget an endpoint."""
    del ledger.things["webhook_endpoint"][endpoint["id"]]
    del ledger.secrets[endpoint["id"]]
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
