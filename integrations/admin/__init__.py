"""Who outside is told of our events, as admins see them."""

from integrations.admin.endpoints import WebhookEndpointAdmin

__all__ = ["WebhookEndpointAdmin"]
