"""Tell subscribers of events, and look after the list of them."""

from integrations.services.endpoints import (
    EndpointExists,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    rotate_secret,
    send_test,
    update_endpoint,
)
from integrations.services.fanout import tell_subscribers
from integrations.services.tending import tend_endpoints
from integrations.services.webhooks import deliver_webhook

__all__ = [
    "EndpointExists",
    "create_endpoint",
    "delete_endpoint",
    "deliver_webhook",
    "disable_endpoint",
    "rotate_secret",
    "send_test",
    "tell_subscribers",
    "tend_endpoints",
    "update_endpoint",
]
