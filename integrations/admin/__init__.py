"""Who outside is told of our events, as admins see them."""

from integrations.admin.conflicts import SyncConflictAdmin
from integrations.admin.connections import ConnectionAdmin
from integrations.admin.deposits import DepositAdmin
from integrations.admin.endpoints import WebhookEndpointAdmin
from integrations.admin.inbox import InboundEventAdmin

__all__ = [
    "ConnectionAdmin",
    "DepositAdmin",
    "InboundEventAdmin",
    "SyncConflictAdmin",
    "WebhookEndpointAdmin",
]
